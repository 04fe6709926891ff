#include "queue/remote_send.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/random.h"
#include "queue/remote_header.h"
#include "queue/remote_kept.h"
#include "queue/remote_route.h"

#define ATTEMPTS_MOST 10 /* connections for one errand */

/* One errand under way. */
struct trip {
	const struct remote_settings *settings;
	struct errand *errand;
	const struct route *route;
	struct plan_facts facts;
	struct tls_plan   plan; /* for the host that is tried */
	int            attempts;
	struct outcome trouble; /* the last: what is told when no host is left */
};

/* --- one host ------------------------------------------------------------------------------- */

static int
connect_to(const union dns_address *a, int timeout)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	int error = connect(fd, &a->any, dns_address_len(a)) == 0 ? 0 : errno;
	if (error == EINPROGRESS) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		int n = poll(&p, 1, timeout);
		socklen_t len = sizeof error;
		if (n <= 0)
			error = n == 0 ? ETIMEDOUT : errno;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
	}
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static bool
connect_and_send(struct trip *t, const char *server, const union dns_address *a)
{
	t->attempts++;
	int fd = connect_to(a, errand_patience(t->errand, t->settings->connect_timeout));
	if (fd < 0) {
		t->trouble = outcome_make("4.4.1", "%s cannot be reached: %s", server, strerror(errno));
		return false;
	}
	return kept_begin(&t->settings->smtp, fd, server, t->route, &t->facts, &t->plan, t->errand, &t->trouble);
}

/* True: the errand is done. */
static bool
try_address(struct trip *t, const char *host, const union dns_address *a)
{
	char address[INET6_ADDRSTRLEN], server[DNS_NAME_MOST + INET6_ADDRSTRLEN + 8];
	dns_address_print(a, address);
	snprintf(server, sizeof server, "%s[%s]:%u", host, address, (unsigned)t->route->port);
	t->plan.failed = false;
	if (connect_and_send(t, server, a))
		return true;
	if (!t->plan.failed || t->plan.policy != TLS_MAY)
		return false;
	log_warning("sent-in-clear", log_text("server", server), log_text("reason", "TLS failed, and the policy is may"));
	t->plan.policy = TLS_NONE;
	bool done = connect_and_send(t, server, a);
	t->plan.policy = TLS_MAY;
	return done;
}

/* LMTP on this host: no TLS. True: the errand is done. */
static bool
try_socket(struct trip *t)
{
	char server[sizeof t->route->unix_path + 8];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	memcpy(a.sun_path, t->route->unix_path, sizeof a.sun_path);
	snprintf(server, sizeof server, "unix:%s", t->route->unix_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof a) < 0) {
		t->trouble = outcome_make("4.4.1", "%s cannot be reached: %s", server, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	return kept_begin(&t->settings->smtp, fd, server, t->route, &t->facts, &t->plan, t->errand, &t->trouble);
}

static bool
is_planned(struct trip *t, const char *host, bool authentic_addresses)
{
	return plan_host(&t->plan, &t->facts, host, authentic_addresses, &t->trouble);
}

/* True: the errand is done. */
static bool
try_host(struct trip *t, const char *host)
{
	union dns_address addresses[DNS_RECORDS_MOST];
	size_t count;
	enum dns_result r = dns_find_addresses(&t->settings->dns, host, t->route->port, addresses, &count);
	bool authentic = dns_was_authentic();
	if (r == DNS_TROUBLE)
		t->trouble = outcome_make("4.4.3", "the addresses of %s could not be looked up", host);
	else if (r != DNS_FOUND)
		t->trouble = outcome_make("5.4.4", "%s has no address", host);
	if (count == 0 || !is_planned(t, host, authentic))
		return false;
	for (size_t i = 0; i < count && t->attempts < ATTEMPTS_MOST; i++)
		if (try_address(t, host, &addresses[i]))
			return true;
	return false;
}

/* --- several hosts ----------------------------------------------------------------------------- */

static int
by_preference(const void *a, const void *b)
{
	const struct dns_mx *one = a, *other = b;
	return one->preference - other->preference;
}

/* Equal ones in random order (RFC 5321 section 5.1), then by preference: an insertion sort keeps the order of equals. */
static void
sort_hosts(struct dns_mx *mx, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_number() % i;
		struct dns_mx swap = mx[i - 1];
		mx[i - 1] = mx[j];
		mx[j] = swap;
	}
	for (size_t i = 1; i < count; i++) {
		struct dns_mx one = mx[i];
		size_t j = i;
		for (; j > 0 && by_preference(&mx[j - 1], &one) > 0; j--)
			mx[j] = mx[j - 1];
		mx[j] = one;
	}
}

/* We are one of the hosts: only those before us count, or mail would go in circles. */
static size_t
before_ourselves(const struct trip *t, const struct dns_mx *mx, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is_nocase(slice_of(mx[i].host), t->settings->smtp.hostname)) {
			size_t first = i;
			while (first > 0 && mx[first - 1].preference == mx[i].preference)
				first--;
			return first;
		}
	return count;
}

static bool
try_mx(struct trip *t, const char *name, struct dns_mx *mx, size_t count)
{
	if (count == 1 && mx[0].host[0] == '\0') {
		t->trouble = outcome_make("5.1.10", "%s takes no mail (null MX)", name);
		return false;
	}
	sort_hosts(mx, count);
	size_t usable = before_ourselves(t, mx, count);
	if (usable == 0 && count > 0) {
		t->trouble = outcome_make("5.4.6", "mail for %s loops back to this host", name);
		log_error("mail-loops-back", log_text("domain", name),
		    log_text("hint", "make the domain one of ours in authd's tables, or set transport or relay_host for it"));
		return false;
	}
	bool temporary = false;
	for (size_t i = 0; i < usable && t->attempts < ATTEMPTS_MOST; i++) {
		if (mx[i].host[0] != '\0' && try_host(t, mx[i].host))
			return true;
		temporary = temporary || t->trouble.class == OUTCOME_TEMPORARY;
	}
	/* One host without an address does not make the others' trouble permanent. */
	if (temporary && t->trouble.class == OUTCOME_PERMANENT)
		t->trouble = outcome_make("4.4.4", "%s", t->trouble.text);
	return false;
}

static bool
try_name(struct trip *t, const char *name)
{
	struct dns_mx mx[DNS_RECORDS_MOST];
	size_t count;
	union dns_address address;
	if (dns_address_parse(slice_of(name), t->route->port, &address))
		return is_planned(t, name, false) && try_address(t, name, &address);
	enum dns_result r = dns_find_mx(&t->settings->dns, name, mx, &count);
	t->facts.authentic_mx = dns_was_authentic();
	switch (r) {
	case DNS_FOUND:
		return try_mx(t, name, mx, count);
	case DNS_NO_DATA:
		return try_host(t, name); /* implicit MX: RFC 5321 section 5.1 */
	case DNS_NO_NAME:
		t->trouble = outcome_make("5.1.2", "there is no domain %s", name);
		return false;
	case DNS_TROUBLE:
		t->trouble = outcome_make("4.4.3", "the mail hosts of %s could not be looked up", name);
		return false;
	}
	return false;
}

static struct plan_facts
facts_of(const struct remote_settings *settings, const struct route *route, const struct errand *e)
{
	struct plan_facts f = {.dns = &settings->dns, .route = route, .policy = policy_find(&settings->tls, route),
	    .require_tls = e->require_tls, .authentic_mx = !route->mx};
	/*
	 * "TLS-Required: No" is about what the destination asks for (RFC 8689 section 4.1), and about our own default;
	 * what an administrator wrote for this destination stands, and REQUIRETLS goes before it.
	 */
	if (e->tls_optional && !e->require_tls && !f.policy.listed && f.policy.wanted > TLS_MAY)
		f.policy.wanted = TLS_MAY;
	return f;
}

/* True: the errand is done. */
static bool
travel(struct trip *t)
{
	const struct route *route = t->route;
	t->attempts = 0;
	t->facts = facts_of(t->settings, route, t->errand);
	t->trouble = outcome_make("4.4.4", "no host of %s could be tried", route->host);
	if (kept_carry(&t->settings->smtp, route, &t->facts, t->errand))
		return true;
	bool done = route->unix_path[0] != '\0' ? try_socket(t) : route->mx ? try_name(t, route->host) : try_host(t, route->host);
	plan_clear(&t->plan);
	return done;
}

/* A bounce is not thrown away because nobody on its way keeps REQUIRETLS (RFC 8689 section 5). */
static bool
gives_up_requirement(struct trip *t)
{
	struct errand *e = t->errand;
	if (!e->require_tls || e->sender.len > 0 || strcmp(t->trouble.code, "5.7.30") != 0)
		return false;
	log_warning("requiretls-given-up", log_text("reason", t->trouble.text));
	e->require_tls = false;
	return true;
}

void
remote_send(const struct remote_settings *settings, struct slice transport, struct errand *e)
{
	struct route route;
	struct slice first = e->recipients[0].address;
	size_t at = slice_find_last(first, '@');
	struct slice domain = slice_from(first, at < first.len ? at + 1 : at);
	if (!route_parse(transport, domain, &route)) {
		log_error("transport-wrong", log_slice("transport", transport), log_slice("to", first),
		    log_text("hint", "smtp:[host]:port, [host]:port or host"));
		struct outcome o = transport.len > 0 ? outcome_make("4.3.5", "the transport is not understood")
						     : outcome_make("5.1.2", "the domain cannot be one");
		errand_end_rest(e, &o);
		return;
	}
	header_look(e);
	struct trip t = {.settings = settings, .errand = e, .route = &route};
	if (travel(&t) || (gives_up_requirement(&t) && travel(&t)))
		return;
	/* A next hop that we were told to take and that does not exist is a mistake here, or in DNS: nothing is wrong with the address. */
	if (transport.len > 0 && t.trouble.class == OUTCOME_PERMANENT && strcmp(t.trouble.code, "5.7.30") != 0) {
		log_error("next-hop-wrong", log_slice("transport", transport), log_text("reason", t.trouble.text),
		    log_text("hint", "correct relay_host or the transport of that domain"));
		t.trouble = outcome_make("4.4.4", "%s", t.trouble.text);
	}
	errand_end_rest(e, &t.trouble);
}
