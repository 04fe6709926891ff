#include "lib/dns/dns_ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define ANSWER_MOST 65535
#define TCP_WAIT    10000

static unsigned char answer_bytes[2 + ANSWER_MOST];

static bool
wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int n = poll(&p, 1, clock_poll_timeout(deadline));
		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

/* A connected socket: the kernel drops what other addresses send. -1 with errno. */
static int
connect_to(const union dns_address *server, int type, int64_t deadline)
{
	int fd = socket(server->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, &server->any, dns_address_len(server)) == 0)
		return fd;
	int error = errno;
	socklen_t len = sizeof error;
	if (error == EINPROGRESS && wait_for(fd, POLLOUT, deadline) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static bool
ask_udp(const union dns_address *server, struct slice query, int64_t deadline, struct slice *answer)
{
	int fd = connect_to(server, SOCK_DGRAM, deadline);
	if (fd < 0)
		return false;
	bool ok = send(fd, query.data, query.len, MSG_NOSIGNAL) == (ssize_t)query.len;
	while (ok) {
		ok = wait_for(fd, POLLIN, deadline);
		ssize_t n = ok ? recv(fd, answer_bytes, ANSWER_MOST, 0) : -1;
		*answer = slice_make((char *)answer_bytes, n > 0 ? (size_t)n : 0);
		/* Anything else is a forgery or late. */
		if (n > 0 && dns_is_answer(query, *answer))
			break;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			ok = false;
	}
	close(fd);
	return ok;
}

static bool
receive_all(int fd, unsigned char *bytes, size_t len, int64_t deadline)
{
	while (len > 0) {
		if (!wait_for(fd, POLLIN, deadline))
			return false;
		ssize_t n = recv(fd, bytes, len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool
ask_tcp(const union dns_address *server, struct slice query, struct slice *answer)
{
	unsigned char framed[2 + DNS_QUERY_MOST] = {(unsigned char)(query.len >> 8), (unsigned char)query.len};
	memcpy(framed + 2, query.data, query.len);
	int64_t deadline = clock_ms() + TCP_WAIT;
	int fd = connect_to(server, SOCK_STREAM, deadline);
	if (fd < 0)
		return false;
	/* A fresh connection's buffer holds it whole. */
	bool ok = send(fd, framed, query.len + 2, MSG_NOSIGNAL) == (ssize_t)query.len + 2 &&
	    receive_all(fd, answer_bytes, 2, deadline);
	size_t len = (size_t)answer_bytes[0] << 8 | answer_bytes[1];
	ok = ok && receive_all(fd, answer_bytes, len, deadline);
	close(fd);
	*answer = slice_make((char *)answer_bytes, len);
	return ok && dns_is_answer(query, *answer);
}

bool
dns_ask(const union dns_address *server, struct slice query, int patience, struct slice *answer)
{
	if (!ask_udp(server, query, clock_ms() + patience, answer))
		return false;
	return !dns_is_cut(*answer) || ask_tcp(server, query, answer);
}
