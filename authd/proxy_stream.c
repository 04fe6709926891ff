#include "authd/proxy_stream.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"

#define BACKLOG       1024
#define USER_NAME_MOST 64

static struct stream_service *
service_of(const struct stream *s)
{
	return (struct stream_service *)s->connection.service;
}

/* --- input ---------------------------------------------------------------------------- */

struct slice
stream_input(const struct stream *s)
{
	return slice_make(s->in, s->in_len);
}

void
stream_take(struct stream *s, size_t len)
{
	size_t left = s->in_len - len;
	memmove(s->in, s->in + len, left);
	explicit_bzero(s->in + left, len);
	s->in_len = left;
	if (left > 0)
		return;
	free(s->in);
	s->in = NULL;
}

static void
refuse(struct stream *s, const char *why)
{
	struct stream_service *service = service_of(s);
	log_warning("request-refused", log_text("protocol", service->name), log_text("reason", why),
	    log_number("uid", (int64_t)s->connection.uid), log_number("count", (int64_t)++service->refused),
	    log_text("hint", "a program that speaks another protocol, or a hostile one"));
	connection_close(&s->connection);
}

static void
take_requests(struct stream *s)
{
	while (!s->busy && !s->ending && !s->connection.closing && s->in_len > 0) {
		switch (service_of(s)->take(s)) {
		case STREAM_TAKEN:
			timer_cancel(&s->stall);
			continue;
		case STREAM_BAD:
			refuse(s, s->why);
			return;
		case STREAM_WAIT:
			if (s->in_len == STREAM_REQUEST_MOST)
				refuse(s, "longer than a request may be");
			else if (s->ended)
				refuse(s, "the request ends in its middle");
			return;
		}
	}
}

/* --- events --------------------------------------------------------------------------- */

/* False: the connection was closed. */
static bool
send_answers(struct stream *s)
{
	while (s->out.len > 0) {
		ssize_t n = send(s->connection.watch.fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			connection_close(&s->connection);
			return false;
		}
		str_consume(&s->out, (size_t)n);
	}
	str_free(&s->out);
	timer_cancel(&s->stall);
	if (s->ending)
		connection_close(&s->connection);
	return !s->ending;
}

/* False: the connection was closed. */
static bool
read_more(struct stream *s)
{
	if (s->in == NULL)
		s->in = malloc(STREAM_REQUEST_MOST);
	ssize_t n = s->in == NULL ? -1 : read(s->connection.watch.fd, s->in + s->in_len, STREAM_REQUEST_MOST - s->in_len);
	if (n < 0 && s->in != NULL && errno == EAGAIN)
		return true;
	if (n < 0) {
		connection_close(&s->connection);
		return false;
	}
	s->ended = n == 0;
	s->in_len += (size_t)n;
	return true;
}

/* What the stream waits for now, and for how long it does. */
static void
settle(struct stream *s)
{
	if (s->ended && !s->busy && s->out.len == 0)
		connection_close(&s->connection);
	if (s->connection.closing)
		return;
	bool reads = !s->busy && !s->ending && !s->ended;
	uint32_t events = (reads ? EPOLLIN : 0u) | (s->out.len > 0 ? EPOLLOUT : 0u);
	if (events != s->events && !loop_change(&s->connection.watch, events)) {
		connection_close(&s->connection);
		return;
	}
	s->events = events;
	bool the_peers_turn = s->out.len > 0 || (!s->busy && (s->in_len > 0 || !s->patient));
	if (!the_peers_turn)
		timer_cancel(&s->stall);
	else if (s->stall.place == 0 && !timer_set(&s->stall, STREAM_STALL_MOST))
		connection_close(&s->connection);
}

static void
stalled(struct timer *t)
{
	struct stream *s = (struct stream *)((char *)t - offsetof(struct stream, stall));
	log_warning("peer-stalled", log_text("protocol", service_of(s)->name), log_number("uid", (int64_t)s->connection.uid),
	    log_text("reason", s->out.len > 0 ? "it does not take its answers" : "it does not end its request"));
	connection_close(&s->connection);
}

static void
stream_ready(struct connection *c, uint32_t events)
{
	struct stream *s = (struct stream *)c;
	if ((events & EPOLLOUT) != 0 && !send_answers(s))
		return;
	/* A peer that is gone altogether wants no answer; one that only sends no more does. */
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0) {
		connection_close(c);
		return;
	}
	if ((events & EPOLLIN) != 0 && (s->events & EPOLLIN) != 0 && !read_more(s))
		return;
	take_requests(s);
	settle(s);
}

static bool
stream_opened(struct connection *c)
{
	struct stream *s = (struct stream *)c;
	s->out = STR_MOST(STREAM_ANSWERS_MOST);
	s->stall.fire = stalled;
	s->events = EPOLLIN;
	if (service_of(s)->opened != NULL && !service_of(s)->opened(s))
		return false;
	settle(s);
	return true;
}

static void
stream_closed(struct connection *c)
{
	struct stream *s = (struct stream *)c;
	service_of(s)->closed(s);
	timer_cancel(&s->stall);
	if (s->in != NULL)
		explicit_bzero(s->in, s->in_len);
	free(s->in);
	str_free(&s->out);
}

/* --- for the protocols ------------------------------------------------------------------ */

void
stream_say(struct stream *s, struct slice bytes)
{
	if (s->connection.closing || s->ending)
		return;
	if (!str_append_slice(&s->out, bytes)) {
		log_warning("peer-stalled", log_text("protocol", service_of(s)->name), log_number("uid", (int64_t)s->connection.uid),
		    log_text("reason", "it does not take its answers"));
		connection_close(&s->connection);
		return;
	}
	if (send_answers(s))
		settle(s);
}

void
stream_resume(struct stream *s)
{
	s->busy = false;
	take_requests(s);
	settle(s);
}

void
stream_finish(struct stream *s)
{
	s->ending = true;
	if (!s->connection.closing && send_answers(s))
		settle(s);
}

void
stream_abort(struct stream *s)
{
	connection_close(&s->connection);
}

/* --- the socket --------------------------------------------------------------------------- */

static bool
make_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	size_t room = sizeof address->sun_path;
	int len = path[0] == '/' ? snprintf(address->sun_path, room, "%s", path)
	                         : snprintf(address->sun_path, room, "%s/authproxy/%s", socket_run_directory, path);
	if (len > 0 && (size_t)len < room)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

/* Takes away a socket that is left from before, but nothing else that a mistaken setting may name. */
static bool
make_room(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT;
	errno = EEXIST;
	return S_ISSOCK(st.st_mode) && unlink(path) == 0;
}

/* Anyone may knock; who is let in is decided by SO_PEERCRED. */
static int
listen_at(const char *path)
{
	struct sockaddr_un address;
	int fd = make_address(&address, path) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
	mode_t before = umask(0);
	bool ok = fd >= 0 && make_room(address.sun_path) && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    listen(fd, BACKLOG) == 0;
	umask(before);
	if (ok)
		return fd;
	log_error("listen-failed", log_text("socket", path), log_errno(),
	    log_text("hint", "a directory that belongs to postern-authproxy must be there; see postern-authproxy(8)"));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void
add_users(struct peers *peers, const char *users)
{
	struct slice rest = slice_of(users), name;
	while (slice_split(&rest, ' ', &name)) {
		char text[USER_NAME_MOST + 1];
		name = slice_trim(name);
		if (name.len == 0 || name.len > USER_NAME_MOST)
			continue;
		memcpy(text, name.data, name.len);
		text[name.len] = '\0';
		peers_add(peers, text);
	}
}

bool
stream_start(struct stream_service *s, const char *path, const char *users)
{
	s->service.name = s->name;
	s->service.connection_size = s->size;
	s->service.most = STREAMS_MOST;
	s->service.opened = stream_opened;
	s->service.ready = stream_ready;
	s->service.closed = stream_closed;
	add_users(&s->service.peers, users);
	int fd = listen_at(path);
	return fd >= 0 && service_start_on(&s->service, fd);
}
