#include "lib/dns/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/base/random.h"

#define ANSWER_MOST 65535
#define ROUNDS      3    /* times that each server is asked */
#define UDP_WAIT    3000 /* ms, doubled each round */
#define TCP_WAIT    10000
#define FILE_MOST   (1u << 20)
#define DNS_PORT    53

static unsigned char answer_bytes[2 + ANSWER_MOST];
static bool          authentic; /* see dns_was_authentic() */

/* --- addresses --------------------------------------------------------------------------- */

socklen_t
dns_address_len(const union dns_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof a->six : sizeof a->four;
}

void
dns_address_print(const union dns_address *a, char text[INET6_ADDRSTRLEN])
{
	const void *bytes = a->any.sa_family == AF_INET6 ? (const void *)&a->six.sin6_addr : &a->four.sin_addr;
	if (inet_ntop(a->any.sa_family, bytes, text, INET6_ADDRSTRLEN) == NULL)
		text[0] = '\0';
}

bool
dns_address_parse(struct slice text, uint16_t port, union dns_address *a)
{
	char copy[INET6_ADDRSTRLEN];
	memset(a, 0, sizeof *a);
	if (text.len == 0 || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, &a->four.sin_addr) == 1) {
		a->four.sin_family = AF_INET;
		a->four.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, copy, &a->six.sin6_addr) != 1)
		return false;
	a->six.sin6_family = AF_INET6;
	a->six.sin6_port = htons(port);
	return true;
}

/* --- servers ------------------------------------------------------------------------------- */

/* "127.0.0.1", "127.0.0.1:5353", "[::1]:5353" */
static bool
parse_server(struct slice text, union dns_address *a)
{
	uint64_t port = DNS_PORT;
	if (dns_address_parse(text, DNS_PORT, a))
		return true;
	size_t colon = slice_find_last(text, ':');
	struct slice host = slice_first(text, colon);
	if (slice_starts(host, "[") && slice_ends(host, "]"))
		host = slice_first(slice_from(host, 1), host.len - 2);
	if (colon < text.len && (!number_parse(slice_from(text, colon + 1), 65535, &port) || port == 0))
		return false;
	return dns_address_parse(host, (uint16_t)port, a);
}

static void
read_resolv_conf(struct dns *d)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, "/etc/resolv.conf", FILE_MOST, &len);
	struct slice rest = slice_make(text, text != NULL ? len : 0), line;
	while (d->count < DNS_SERVERS_MOST && slice_split(&rest, '\n', &line)) {
		if (!slice_starts(line, "nameserver"))
			continue;
		struct slice server = slice_trim(slice_from(line, 10));
		if (dns_address_parse(slice_first(server, slice_find(server, ' ')), DNS_PORT, &d->servers[d->count]))
			d->count++;
	}
	free(text);
}

bool
dns_begin(struct dns *d, const char *resolver)
{
	d->count = 0;
	if (resolver[0] == '\0') {
		read_resolv_conf(d);
		if (d->count == 0 && dns_address_parse(slice_of("127.0.0.1"), DNS_PORT, &d->servers[0]))
			d->count = 1;
		return true;
	}
	if (parse_server(slice_of(resolver), &d->servers[0])) {
		d->count = 1;
		return true;
	}
	log_error("setting-wrong", log_text("setting", "resolver"), log_text("reason", "it is not an address with a port"),
	    log_text("hint", "write an address there, such as 127.0.0.1:53 or [::1]:5353, or delete the file"));
	return false;
}

/* --- asking ----------------------------------------------------------------------------------- */

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

static bool
ask_server(const union dns_address *server, struct slice query, int round, struct slice *answer)
{
	if (!ask_udp(server, query, clock_ms() + (UDP_WAIT << round), answer))
		return false;
	return !dns_is_cut(*answer) || ask_tcp(server, query, answer);
}

static enum dns_result
look_up(const struct dns *d, const char *name, enum dns_type type, struct dns_record *records, size_t *count, struct slice *answer)
{
	unsigned char query[DNS_QUERY_MOST];
	size_t len = dns_build_query(query, (uint16_t)random_number(), name, type);
	*count = 0;
	if (len == 0) {
		authentic = false;
		return DNS_NO_NAME;
	}
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < d->count; i++) {
			if (!ask_server(&d->servers[i], slice_make((char *)query, len), round, answer))
				continue;
			enum dns_result r = dns_read_answer(*answer, type, records, count);
			if (r == DNS_TROUBLE)
				continue;
			authentic = authentic && d->trusted && dns_is_authentic(*answer);
			return r;
		}
	/* No answer: addresses of the other kind are as authentic as they were, so that nobody takes that away by dropping a question. */
	return DNS_TROUBLE;
}

bool
dns_was_authentic(void)
{
	return authentic;
}

enum dns_result
dns_find_mx(const struct dns *d, const char *name, struct dns_mx *found, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there, kept = 0;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_MX, records, &there, &answer);
	for (size_t i = 0; i < there; i++) {
		size_t at = records[i].offset + 2;
		if (records[i].data.len < 3 || !dns_read_name(answer, &at, found[kept].host))
			continue;
		const unsigned char *data = (const unsigned char *)records[i].data.data;
		found[kept++].preference = (uint16_t)(data[0] << 8 | data[1]);
	}
	*count = kept;
	return r == DNS_FOUND && kept == 0 ? DNS_TROUBLE : r;
}

static void
take_addresses(const struct dns_record *records, size_t there, uint16_t port, union dns_address *addresses, size_t *count)
{
	for (size_t i = 0; i < there && *count < DNS_RECORDS_MOST; i++) {
		union dns_address *a = &addresses[*count];
		memset(a, 0, sizeof *a);
		if (records[i].data.len == 4) {
			a->four.sin_family = AF_INET;
			a->four.sin_port = htons(port);
			memcpy(&a->four.sin_addr, records[i].data.data, 4);
		} else if (records[i].data.len == 16) {
			a->six.sin6_family = AF_INET6;
			a->six.sin6_port = htons(port);
			memcpy(&a->six.sin6_addr, records[i].data.data, 16);
		} else
			continue;
		(*count)++;
	}
}

static bool
line_names(struct slice line, const char *name, struct slice *address)
{
	struct slice word;
	line = slice_first(line, slice_find(line, '#'));
	bool first = true;
	while (line.len > 0) {
		size_t end = 0;
		while (end < line.len && line.data[end] != ' ' && line.data[end] != '\t')
			end++;
		word = slice_first(line, end);
		line = slice_from(line, end < line.len ? end + 1 : end);
		if (word.len == 0)
			continue;
		if (first)
			*address = word;
		else if (slice_is_nocase(word, name))
			return true;
		first = false;
	}
	return false;
}

static void
read_hosts(const char *name, uint16_t port, union dns_address *addresses, size_t *count)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, "/etc/hosts", FILE_MOST, &len);
	struct slice rest = slice_make(text, text != NULL ? len : 0), line, address;
	while (*count < DNS_RECORDS_MOST && slice_split(&rest, '\n', &line))
		if (line_names(line, name, &address) && dns_address_parse(address, port, &addresses[*count]))
			(*count)++;
	free(text);
}

enum dns_result
dns_find_addresses(const struct dns *d, const char *name, uint16_t port, union dns_address *addresses, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	*count = 0;
	authentic = false;
	if (dns_address_parse(slice_of(name), port, &addresses[0])) {
		*count = 1;
		return DNS_FOUND;
	}
	read_hosts(name, port, addresses, count);
	if (*count > 0)
		return DNS_FOUND;
	authentic = true;
	enum dns_result six = look_up(d, name, DNS_TYPE_AAAA, records, &there, &answer);
	take_addresses(records, there, port, addresses, count);
	if (six == DNS_NO_NAME)
		return six;
	enum dns_result four = look_up(d, name, DNS_TYPE_A, records, &there, &answer);
	take_addresses(records, there, port, addresses, count);
	if (*count > 0)
		return DNS_FOUND;
	return six == DNS_TROUBLE || four == DNS_TROUBLE ? DNS_TROUBLE : four;
}

enum dns_result
dns_find_alias(const struct dns *d, const char *name, char target[DNS_NAME_MOST + 1])
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_CNAME, records, &there, &answer);
	if (r != DNS_FOUND)
		return r;
	size_t at = records[0].offset;
	return dns_read_name(answer, &at, target) && target[0] != '\0' ? DNS_FOUND : DNS_TROUBLE;
}

enum dns_result
dns_find_tlsa(const struct dns *d, const char *name, struct dns_tlsa *found, size_t *count)
{
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t there;
	*count = 0;
	authentic = true;
	enum dns_result r = look_up(d, name, DNS_TYPE_TLSA, records, &there, &answer);
	for (size_t i = 0; i < there; i++)
		if (dns_read_tlsa(records[i].data, &found[*count]))
			(*count)++;
	/* Records that nobody can read may not look as if there were none; those that nobody signed are none (RFC 7672 section 2.2). */
	return r == DNS_FOUND && *count == 0 && authentic ? DNS_TROUBLE : r;
}
