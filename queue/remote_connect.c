#include "queue/remote_connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/networks.h"

static bool was_local; /* see connect_was_local() */

/* --- settings ------------------------------------------------------------------------------- */

static bool
is_wrong(const char *setting, struct slice text, const char *hint)
{
	log_error("setting-wrong", log_text("setting", setting), log_slice("text", text), log_text("hint", hint));
	return false;
}

static bool
read_address(union dns_address *a, const char *setting, const char *text, int family)
{
	memset(a, 0, sizeof *a);
	if (text[0] == '\0' || (dns_address_parse(slice_of(text), 0, a) && a->any.sa_family == family))
		return true;
	return is_wrong(setting, slice_of(text), family == AF_INET ? "write one IPv4 address of this host" : "write one IPv6 address of this host");
}

bool
connect_read_settings(struct connect_settings *c, const char *address4, const char *address6, const char *own)
{
	struct ip none = {.len = 0};
	struct slice entry;
	c->own = slice_of(own);
	if (networks_hold(c->own, &none, &entry) == NETWORKS_WRONG)
		return is_wrong("own_addresses", entry, NETWORKS_HINT);
	return read_address(&c->from4, "outgoing_address4", address4, AF_INET) &&
	    read_address(&c->from6, "outgoing_address6", address6, AF_INET6);
}

/* --- our own addresses ------------------------------------------------------------------------ */

static struct ip
ip_of_address(const union dns_address *a)
{
	return a->any.sa_family == AF_INET6 ? ip_of(&a->six.sin6_addr, 16) : ip_of(&a->four.sin_addr, 4);
}

/*
 * The kernel sends to an address of this host from that address; asking so
 * sends nothing, and is true when addresses come and go.
 */
static bool
is_of_this_host(const union dns_address *a)
{
	union dns_address from;
	socklen_t len = sizeof from;
	int fd = socket(a->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool known = connect(fd, &a->any, dns_address_len(a)) == 0 && getsockname(fd, &from.any, &len) == 0;
	close(fd);
	struct ip ours = known ? ip_of_address(&from) : (struct ip){.len = 0}, theirs = ip_of_address(a);
	return ours.len == theirs.len && memcmp(ours.bytes, theirs.bytes, ours.len) == 0;
}

bool
connect_is_own(const struct connect_settings *c, const union dns_address *a)
{
	static const uint8_t zeros[16];
	struct ip ip = ip_of_address(a);
	struct slice entry;
	bool loopback = ip.len == 4 ? ip.bytes[0] == 127 : memcmp(ip.bytes, zeros, 15) == 0 && ip.bytes[15] == 1;
	/* One connects to oneself by the unspecified address too. */
	return loopback || memcmp(ip.bytes, zeros, ip.len) == 0 || networks_hold(c->own, &ip, &entry) == NETWORKS_YES || is_of_this_host(a);
}

/* --- connections ------------------------------------------------------------------------------ */

static bool
bind_source(int fd, const struct connect_settings *c, int family)
{
	const union dns_address *from = family == AF_INET6 ? &c->from6 : &c->from4;
	char text[INET6_ADDRSTRLEN];
	if (from->any.sa_family == 0 || bind(fd, &from->any, dns_address_len(from)) == 0)
		return true;
	dns_address_print(from, text);
	log_error("source-address-wrong", log_text("address", text), log_errno(),
	    log_text("hint", "outgoing_address4 and outgoing_address6 must be addresses of this host"));
	return false;
}

/* 0, or errno. */
static int
finish(int fd, int timeout)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0, n = poll(&p, 1, timeout);
	socklen_t len = sizeof error;
	if (n <= 0)
		return n == 0 ? ETIMEDOUT : errno;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

static bool
is_local(int error)
{
	return error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EACCES || error == EPERM;
}

bool
connect_was_local(void)
{
	return was_local;
}

int
connect_address(const struct connect_settings *c, const union dns_address *a, const char *server, struct outcome *trouble)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = fd < 0 || !bind_source(fd, c, a->any.sa_family) ? errno : 0;
	if (error == 0 && connect(fd, &a->any, dns_address_len(a)) < 0)
		error = errno == EINPROGRESS ? finish(fd, c->timeout) : errno;
	was_local = is_local(error);
	if (error == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	*trouble = outcome_make("4.4.1", "%s cannot be reached: %s", server, strerror(error));
	return -1;
}

int
connect_unix(const char *path, struct outcome *trouble)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	*trouble = outcome_make("4.4.1", "%s cannot be reached: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
