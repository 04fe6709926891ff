#include "lib/front/proxy.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/networks.h"

/* Takes `len` bytes that were seen already. */
static bool
take(int fd, size_t len)
{
	char bytes[PROXY_HEADER_MOST];
	return len == 0 || recv(fd, bytes, len, MSG_DONTWAIT) == (ssize_t)len;
}

/* Looks at what has come without taking it. 0: nothing will; `*problem` says why. */
static size_t
look(int fd, char *into, size_t room, int64_t deadline, const char **problem)
{
	for (;;) {
		struct pollfd w = {.fd = fd, .events = POLLIN};
		int ready = poll(&w, 1, clock_poll_timeout(deadline));
		ssize_t n = ready > 0 ? recv(fd, into, room, MSG_PEEK | MSG_DONTWAIT) : -1;
		if (n > 0)
			return (size_t)n;
		bool again = ready != 0 && n < 0 && (errno == EINTR || errno == EAGAIN);
		if (again)
			continue;
		*problem = ready == 0 ? "it did not come in time" : n == 0 ? "the connection was closed" : strerror(errno);
		return 0;
	}
}

/*
 * What is looked at and is not the whole header belongs to it and is taken; of
 * what is, only so much as belongs to it.
 */
static enum proxy_result
read_header(int fd, struct proxy_header *h)
{
	char bytes[PROXY_HEADER_MOST];
	int64_t deadline = clock_ms() + PROXY_TIME;
	const char *problem = "the header is too long";
	for (size_t have = 0; have < sizeof bytes;) {
		size_t seen = look(fd, bytes + have, sizeof bytes - have, deadline, &problem);
		if (seen == 0)
			break;
		enum proxy_result r = proxy_parse(slice_make(bytes, have + seen), h);
		size_t mine = r == PROXY_MORE ? seen : r == PROXY_WRONG ? 0 : h->len - have;
		if (r == PROXY_WRONG || (take(fd, mine) && r != PROXY_MORE))
			return r;
		have += mine;
	}
	h->problem = problem;
	return PROXY_WRONG;
}

static enum proxy_arrival
arrive_behind(struct peer *p, const struct proxy_header *h)
{
	log_info("proxied", log_text("proxy", p->text));
	peer_set(p, h->client);
	p->port = h->client_port;
	peer_set_local(p, h->server, h->server_port);
	p->name[0] = '\0';
	return PROXY_BEHIND;
}

enum proxy_arrival
proxy_take(int fd, const char *networks, struct peer *p)
{
	struct proxy_header h;
	struct slice entry;
	switch (networks_hold(slice_of(networks), &p->ip, &entry)) {
	case NETWORKS_NO:
		return PROXY_DIRECT;
	case NETWORKS_WRONG:
		log_error("setting-wrong", log_text("setting", "proxy_networks"), log_slice("entry", entry),
		    log_text("hint", NETWORKS_HINT));
		return PROXY_SETTING_WRONG;
	case NETWORKS_YES:
		break;
	}
	switch (read_header(fd, &h)) {
	case PROXY_CLIENT:
		return arrive_behind(p, &h);
	case PROXY_LOCAL:
		return PROXY_ITSELF;
	default:
		log_warning("proxy-header-wrong", log_text("proxy", p->text), log_text("reason", h.problem),
		    log_text("hint", "who is in proxy_networks must send a PROXY header: haproxy's send-proxy or send-proxy-v2"));
		return PROXY_BROKEN;
	}
}
