#include "lib/ipc/packet.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/number.h"

static void
reset(struct packet *p)
{
	p->len = p->at = 0;
	p->failed = false;
	p->descriptor_count = 0;
}

static void
append(struct packet *p, const char *bytes, size_t len)
{
	if (p->failed || len > sizeof p->data - p->len) {
		p->failed = true;
		return;
	}
	if (len > 0)
		memcpy(p->data + p->len, bytes, len);
	p->len += len;
}

void
packet_begin(struct packet *p, const char *verb)
{
	reset(p);
	packet_add_text(p, verb);
}

void
packet_add(struct packet *p, struct slice field)
{
	if (slice_has(field, '\0'))
		p->failed = true;
	append(p, field.data, field.len);
	append(p, "", 1);
}

void
packet_add_text(struct packet *p, const char *field)
{
	append(p, field, strlen(field) + 1);
}

void
packet_add_number(struct packet *p, uint64_t number)
{
	char digits[21];
	size_t at = sizeof digits - 1;
	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	packet_add_text(p, digits + at);
}

void
packet_add_outcome(struct packet *p, const struct outcome *o)
{
	packet_add_text(p, outcome_word(o));
	packet_add_text(p, o->code);
	packet_add_text(p, o->text);
}

void
packet_add_rest(struct packet *p, struct slice bytes)
{
	append(p, bytes.data, bytes.len);
}

void
packet_add_descriptor(struct packet *p, int fd)
{
	if (p->descriptor_count == PACKET_DESCRIPTORS)
		p->failed = true;
	else
		p->descriptors[p->descriptor_count++] = fd;
}

const char *
packet_verb(struct packet *p)
{
	p->at = 0;
	const char *verb = packet_field(p);
	return verb != NULL ? verb : "";
}

const char *
packet_field(struct packet *p)
{
	struct slice left = packet_rest(p);
	size_t len = slice_find(left, '\0');
	if (len == left.len)
		return NULL;
	p->at += len + 1;
	return left.data;
}

bool
packet_field_number(struct packet *p, uint64_t most, uint64_t *number)
{
	const char *field = packet_field(p);
	return field != NULL && number_parse(slice_of(field), most, number);
}

bool
packet_field_outcome(struct packet *p, struct outcome *o)
{
	const char *word = packet_field(p);
	const char *code = packet_field(p);
	const char *text = packet_field(p);
	if (text == NULL || strlen(code) >= sizeof o->code || strchr("245", code[0]) == NULL || code[0] == '\0')
		return false;
	*o = outcome_make(code, "%s", text);
	o->relayed = strcmp(word, "relayed") == 0;
	return strcmp(outcome_word(o), word) == 0;
}

struct slice
packet_rest(struct packet *p)
{
	return slice_make(p->data + p->at, p->len - p->at);
}

int
packet_take_descriptor(struct packet *p)
{
	if (p->descriptor_count == 0)
		return -1;
	int fd = p->descriptors[0];
	p->descriptor_count--;
	memmove(p->descriptors, p->descriptors + 1, p->descriptor_count * sizeof *p->descriptors);
	return fd;
}

void
packet_close_descriptors(struct packet *p)
{
	for (int fd; (fd = packet_take_descriptor(p)) >= 0;)
		close(fd);
}

union control {
	struct cmsghdr header;
	char           bytes[CMSG_SPACE(sizeof(int) * PACKET_DESCRIPTORS)];
};

enum packet_result
packet_send(int fd, const struct packet *p)
{
	if (p->failed)
		return PACKET_BAD;
	struct iovec io = {.iov_base = (void *)(uintptr_t)p->data, .iov_len = p->len};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
	union control control;
	if (p->descriptor_count > 0) {
		size_t size = sizeof(int) * p->descriptor_count;
		memset(&control, 0, sizeof control);
		m.msg_control = control.bytes;
		m.msg_controllen = (socklen_t)CMSG_SPACE(size);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(size);
		memcpy(CMSG_DATA(c), p->descriptors, size);
	}
	for (;;) {
		if (sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return PACKET_OK;
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
			return PACKET_WAIT;
		return errno == EPIPE || errno == ECONNRESET ? PACKET_END : PACKET_ERROR;
	}
}

static void
take_control(struct packet *p, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (p->descriptor_count < PACKET_DESCRIPTORS)
				p->descriptors[p->descriptor_count++] = fd;
			else
				close(fd);
		}
	}
}

enum packet_result
packet_receive(int fd, struct packet *p)
{
	reset(p);
	struct iovec io = {.iov_base = p->data, .iov_len = sizeof p->data};
	union control control;
	struct msghdr m = {
	    .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	ssize_t n;
	do
		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return PACKET_WAIT;
	if (n < 0)
		return errno == ECONNRESET ? PACKET_END : PACKET_ERROR;
	take_control(p, &m);
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		packet_close_descriptors(p);
		return PACKET_BAD;
	}
	/* An empty packet and the end look alike; nobody here sends empty ones. */
	if (n == 0) {
		packet_close_descriptors(p);
		return PACKET_END;
	}
	p->len = (size_t)n;
	return PACKET_OK;
}

/* Waits for `events`; PACKET_OK when they came. */
static enum packet_result
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd w = {.fd = fd, .events = events};
	int n = poll(&w, 1, clock_poll_timeout(deadline));
	if (n == 0)
		return PACKET_TIMEOUT;
	return n > 0 || errno == EINTR ? PACKET_OK : PACKET_ERROR;
}

/*
 * The socket has room, but the kernel has not: above all, one user may have
 * only as many descriptors on their way in all his processes as RLIMIT_NOFILE
 * allows this one (ETOOMANYREFS). That ends soon and cannot be polled for.
 */
static enum packet_result
wait_a_moment(int64_t deadline)
{
	if (deadline >= 0 && clock_ms() >= deadline)
		return PACKET_TIMEOUT;
	poll(NULL, 0, 1);
	return PACKET_OK;
}

enum packet_result
packet_send_wait(int fd, const struct packet *p, int timeout)
{
	int64_t deadline = timeout < 0 ? -1 : clock_ms() + timeout;
	for (;;) {
		enum packet_result r = packet_send(fd, p);
		if (r == PACKET_WAIT)
			r = errno == EAGAIN ? wait_for(fd, POLLOUT, deadline) : wait_a_moment(deadline);
		else
			return r;
		if (r != PACKET_OK)
			return r;
	}
}

/* Waits first: an answer is hardly ever there before its question has been handled. */
enum packet_result
packet_receive_wait(int fd, struct packet *p, int timeout)
{
	int64_t deadline = timeout < 0 ? -1 : clock_ms() + timeout;
	for (;;) {
		enum packet_result r = wait_for(fd, POLLIN, deadline);
		if (r == PACKET_OK)
			r = packet_receive(fd, p);
		if (r != PACKET_WAIT)
			return r;
	}
}

bool
packet_call(int fd, struct packet *p, int timeout)
{
	return packet_send_wait(fd, p, timeout) == PACKET_OK && packet_receive_wait(fd, p, timeout) == PACKET_OK;
}
