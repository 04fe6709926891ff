#include "lib/dns/dns_ready.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"

#define TURNS       2    /* times that each server is asked */
#define ANSWER_MOST 4096 /* without EDNS an answer over UDP has 512 bytes at most */

static char answer_bytes[ANSWER_MOST];

bool
dns_ready_open(struct dns_ready *r, const char *resolver)
{
	struct dns d;
	r->count = 0;
	if (!dns_begin(&d, resolver))
		return false;
	for (size_t i = 0; i < d.count; i++) {
		const union dns_address *server = &d.servers[i];
		int fd = socket(server->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		/* The kernel drops what other addresses send to a connected socket. */
		if (fd >= 0 && connect(fd, &server->any, dns_address_len(server)) == 0)
			r->sockets[r->count++] = fd;
		else if (fd >= 0)
			close(fd);
	}
	return true;
}

/* The server knows whether the name exists; its own trouble is no answer. */
static bool
is_usable(struct slice answer)
{
	unsigned code = (unsigned char)answer.data[3] & 15;
	return code == 0 || code == 3;
}

enum heard { HEARD_NOTHING, HEARD_FORGERY, HEARD_ANSWER, HEARD_TROUBLE };

static enum heard
hear_one(int fd, struct slice query, struct slice *answer)
{
	ssize_t n = recv(fd, answer_bytes, sizeof answer_bytes, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? HEARD_NOTHING : HEARD_TROUBLE;
	*answer = slice_make(answer_bytes, (size_t)n);
	if (!dns_is_answer(query, *answer))
		return HEARD_FORGERY; /* or late: it is passed over */
	return is_usable(*answer) ? HEARD_ANSWER : HEARD_TROUBLE;
}

/* Waits for an answer of any server: that of one which was asked earlier is as good. */
static bool
hear(const struct dns_ready *r, struct slice query, int64_t until, struct slice *answer)
{
	struct pollfd p[DNS_SERVERS_MOST];
	for (size_t i = 0; i < r->count; i++)
		p[i] = (struct pollfd){.fd = r->sockets[i], .events = POLLIN};
	for (;;) {
		int n = poll(p, r->count, clock_poll_timeout(until));
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		for (size_t i = 0; n > 0 && i < r->count; i++) {
			enum heard h = p[i].revents != 0 ? hear_one(p[i].fd, query, answer) : HEARD_NOTHING;
			if (h == HEARD_ANSWER || h == HEARD_TROUBLE)
				return h == HEARD_ANSWER;
		}
	}
}

/* Each server in turn has its share of the time that is left. */
static bool
ask(const struct dns_ready *r, struct slice query, int64_t deadline, struct slice *answer)
{
	for (size_t turns = r->count * TURNS, turn = 0; turn < turns; turn++) {
		int64_t now = clock_ms();
		int64_t share = deadline > now ? (deadline - now) / (int64_t)(turns - turn) : 0;
		ssize_t sent = send(r->sockets[turn % r->count], query.data, query.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == (ssize_t)query.len && hear(r, query, now + share, answer))
			return true;
	}
	return false;
}

static enum dns_result
look_up(const struct dns_ready *r, const char *name, enum dns_type type, int64_t deadline, struct slice *answer,
    struct dns_record *records, size_t *count)
{
	unsigned char query[DNS_QUERY_MOST];
	size_t len = dns_build_query(query, (uint16_t)random_number(), name, type);
	*count = 0;
	if (len == 0)
		return DNS_NO_NAME;
	if (!ask(r, slice_make((char *)query, len), deadline, answer))
		return DNS_TROUBLE;
	enum dns_result result = dns_read_answer(*answer, type, records, count);
	/* What did not fit into the answer is there all the same. */
	return result != DNS_FOUND && result != DNS_NO_NAME && dns_is_cut(*answer) ? DNS_FOUND : result;
}

static bool
is_null_mx(struct slice answer, const struct dns_record *records, size_t count)
{
	char host[DNS_NAME_MOST + 1];
	size_t at = count == 1 ? records[0].offset + 2 : 0;
	return count == 1 && records[0].data.len >= 3 && dns_read_name(answer, &at, host) && host[0] == '\0';
}

enum dns_mail
dns_ready_mail(const struct dns_ready *r, const char *domain, int patience)
{
	static const enum dns_type types[] = {DNS_TYPE_MX, DNS_TYPE_A, DNS_TYPE_AAAA};
	struct dns_record records[DNS_RECORDS_MOST];
	struct slice answer;
	size_t count;
	int64_t deadline = clock_ms() + patience;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		switch (look_up(r, domain, types[i], deadline, &answer, records, &count)) {
		case DNS_FOUND:
			return types[i] == DNS_TYPE_MX && is_null_mx(answer, records, count) ? DNS_MAIL_NEVER : DNS_MAIL_SOMEWHERE;
		case DNS_NO_NAME:
			return DNS_MAIL_NOWHERE;
		case DNS_TROUBLE:
			return DNS_MAIL_UNKNOWN;
		case DNS_NO_DATA:
			break;
		}
	return DNS_MAIL_NOWHERE;
}
