#include "lib/filter/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/ip.h"
#include "lib/base/number.h"

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice
next_word(struct slice *rest)
{
	size_t start = 0, len = 0;
	while (start < rest->len && is_white(rest->data[start]))
		start++;
	while (start + len < rest->len && !is_white(rest->data[start + len]))
		len++;
	struct slice word = slice_first(slice_from(*rest, start), len);
	*rest = slice_from(*rest, start + len);
	return word;
}

static bool
read_unix(struct slice path, struct endpoint *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (path.len == 0 || path.data[0] != '/' || path.len >= sizeof a.sun_path)
		return false;
	memcpy(a.sun_path, path.data, path.len);
	memcpy(&e->address, &a, sizeof a);
	e->address_len = sizeof a;
	return true;
}

static void
set_internet(struct endpoint *e, const struct ip *ip, uint16_t port)
{
	if (ip->len == 4) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&a.sin_addr, ip->bytes, 4);
		memcpy(&e->address, &a, sizeof a);
		e->address_len = sizeof a;
	} else {
		struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&a.sin6_addr, ip->bytes, 16);
		memcpy(&e->address, &a, sizeof a);
		e->address_len = sizeof a;
	}
}

static bool
read_internet(struct slice text, struct endpoint *e)
{
	size_t colon = slice_find_last(text, ':');
	struct slice host = slice_first(text, colon);
	struct ip ip;
	uint64_t port;
	if (!number_parse(slice_from(text, colon + 1), 65535, &port) || port == 0)
		return false;
	if (slice_is(host, "localhost"))
		host = slice_of("127.0.0.1");
	if (slice_starts(host, "[") && slice_ends(host, "]"))
		host = slice_make(host.data + 1, host.len - 2);
	if (!ip_parse(&ip, host))
		return false;
	set_internet(e, &ip, (uint16_t)port);
	return true;
}

static bool
read_option(struct slice option, struct endpoint *e)
{
	static const struct {
		const char *text;
		int         time; /* -1: it is a default */
		int         otherwise;
	} options[] = {
	    {"default=tempfail", -1, FILTER_TEMPFAIL}, {"default=accept", -1, FILTER_ACCEPT}, {"default=reject", -1, FILTER_REJECT},
	    {"default=quarantine", -1, FILTER_QUARANTINE}, {"at=rcpt", FILTER_AT_RCPT, 0}, {"at=data", FILTER_AT_DATA, 0},
	    {"at=end", FILTER_AT_END, 0},
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (!slice_is(option, options[i].text))
			continue;
		if (options[i].time >= 0)
			e->time = (enum filter_time)options[i].time;
		else
			e->otherwise = (enum filter_default)options[i].otherwise;
		return true;
	}
	return option.len == 0;
}

enum endpoint_result
endpoint_next(struct slice *rest, struct endpoint *e)
{
	struct slice word = next_word(rest), option;
	if (word.len == 0)
		return ENDPOINT_NONE;
	*e = (struct endpoint){.otherwise = FILTER_TEMPFAIL, .time = FILTER_AT_RCPT, .name = word};
	size_t comma = slice_find(word, ',');
	struct slice options = slice_from(word, comma + 1), where = slice_first(word, comma);
	bool ok = slice_starts(where, "unix:")   ? read_unix(slice_from(where, 5), e)
		: slice_starts(where, "inet:")   ? read_internet(slice_from(where, 5), e)
						 : false;
	while (ok && slice_split(&options, ',', &option))
		ok = read_option(option, e);
	if (!ok)
		return ENDPOINT_WRONG;
	e->name = where;
	return ENDPOINT_OK;
}

/* Waits for a connection that is being made. */
static bool
wait_connected(int fd, int timeout)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof error;
	int64_t deadline = clock_ms() + timeout;
	int n;
	do
		n = poll(&p, 1, clock_poll_timeout(deadline));
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		errno = n == 0 ? ETIMEDOUT : errno;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return false;
	errno = error;
	return error == 0;
}

int
endpoint_connect(const struct endpoint *e, int timeout)
{
	int fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	int on = 1;
	if (e->address.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)&e->address, e->address_len) == 0 ||
	    (errno == EINPROGRESS && wait_connected(fd, timeout)))
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}
