#include "queue/remote_send.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "queue/remote_header.h"
#include "queue/remote_hosts.h"
#include "queue/remote_kept.h"
#include "queue/remote_route.h"

#define SMTP_PORT 25
#define ORDER_MOST 1024

/* One errand under way. */
struct trip {
	const struct remote_settings *settings;
	struct errand *errand;
	const struct route *route;
	struct hosts      hosts;
	struct plan_facts facts;
	struct tls_plan   plan; /* for the host that is tried */
	uint64_t       located, connections; /* so many hosts and connections */
	bool           told;    /* the order of the hosts is in the log */
	struct outcome trouble; /* what is told when no host is left */
};

/* --- trouble ----------------------------------------------------------------------------------- */

/* Once an errand, when its first host was of no use: what is tried, in which order. */
static void
tell_order(struct trip *t)
{
	struct str order = STR_MOST(ORDER_MOST);
	if (t->told)
		return;
	t->told = true;
	hosts_print(&t->hosts, &order);
	log_info("hosts", log_text("destination", t->route->host), log_text("by", t->hosts.implicit ? "address" : "mx"),
	    log_slice("order", str_slice(&order)), log_text("policy", policy_word(t->facts.policy.wanted)));
	str_free(&order);
}

/* One host without an address, say, does not make the others' trouble permanent: what may heal is told before what will not. */
static void
note(struct trip *t, const char *server, const struct outcome *trouble)
{
	tell_order(t);
	log_info("host-failed", log_text("server", server), log_text("code", trouble->code), log_text("reason", trouble->text));
	if (t->trouble.class == OUTCOME_DONE || t->trouble.class == OUTCOME_PERMANENT || trouble->class == OUTCOME_TEMPORARY)
		t->trouble = *trouble;
}

/* --- one host ------------------------------------------------------------------------------- */

/* True: the errand is done. */
static bool
connect_and_send(struct trip *t, const char *server, const union dns_address *a)
{
	struct outcome trouble = outcome_done();
	int fd = a != NULL ? connect_address(&t->settings->connect, a, server, &trouble) : connect_unix(server, &trouble);
	t->connections += fd >= 0 || !connect_was_local();
	bool done = fd >= 0 && kept_begin(&t->settings->smtp, fd, server, t->route, &t->facts, &t->plan, t->errand, &trouble);
	if (!done)
		note(t, server, &trouble);
	return done;
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

/* True: the errand is done. */
static bool
try_host(struct trip *t, const struct host_addresses *a)
{
	struct outcome trouble;
	if (!plan_host(&t->plan, &t->facts, a->host, a->authentic, &trouble)) {
		note(t, a->host, &trouble);
		return false;
	}
	for (size_t i = 0; i < a->count && t->connections < t->settings->connections_most; i++)
		if (try_address(t, a->host, &a->addresses[i]))
			return true;
	return false;
}

/* --- several hosts ----------------------------------------------------------------------------- */

/* A port that was named is meant, whoever listens there; and at another one than SMTP's listens nobody who would send it back to us. */
static bool
may_loop(const struct route *route)
{
	return route->port == SMTP_PORT && !route->port_given && !route->lmtp;
}

static bool
is_ourselves(const struct trip *t, const struct host_addresses *a)
{
	if (!may_loop(t->route))
		return false;
	if (slice_is_nocase(slice_of(a->host), t->settings->hostname))
		return true;
	for (size_t i = 0; i < a->count; i++)
		if (connect_is_own(&t->settings->connect, &a->addresses[i]))
			return true;
	return false;
}

static void
note_loop(struct trip *t, const char *host)
{
	const char *name = t->route->host;
	struct outcome trouble = outcome_make("5.4.6", "mail for %s loops back to this host", name);
	t->told = true;
	t->trouble = trouble;
	log_error("mail-loops-back", log_text("domain", name), log_text("host", host),
	    log_text("hint", "make the domain one of ours in authd's tables, or say by transport or relay_host where it goes, with a port if that is "
	                     "on this host; what counts as this host: hostname, its addresses, own_addresses"));
}

enum step { STEP_DONE, STEP_ON, STEP_END };

/*
 * The hosts of one preference: all are looked up before one is tried, for where
 * we are ourselves among them none of them may be (RFC 5321 section 5.1).
 */
static enum step
try_group(struct trip *t, size_t first, size_t end)
{
	static struct host_addresses found[DNS_RECORDS_MOST];
	size_t count = 0;
	for (size_t i = first; i < end && t->located < t->settings->hosts_most; i++) {
		struct host_addresses *a = &found[count];
		struct outcome trouble;
		t->located++;
		bool ok = hosts_locate(&t->settings->dns, t->hosts.mx[i].host, t->route->port, a, &trouble);
		if (!ok)
			note(t, t->hosts.mx[i].host, &trouble);
		if (is_ourselves(t, a)) {
			if (first == 0)
				note_loop(t, a->host);
			return STEP_END;
		}
		count += ok;
	}
	for (size_t i = 0; i < count && t->connections < t->settings->connections_most; i++)
		if (try_host(t, &found[i]))
			return STEP_DONE;
	return STEP_ON;
}

/*
 * MTA-STS is about the MX of a domain. What an administrator wrote for the
 * destination stands, and a sender may wish that it does not count (RFC 8689
 * section 4.1).
 */
static bool
find_sts(struct trip *t, struct outcome *trouble)
{
	const struct errand *e = t->errand;
	union dns_address address;
	bool wanted = t->settings->mta_sts && t->route->mx && !t->facts.policy.listed && (!e->tls_optional || e->require_tls) &&
	    !dns_address_parse(slice_of(t->route->host), t->route->port, &address);
	return !wanted || sts_find(t->route->host, &t->facts.sts, trouble);
}

/* True: the errand is done. */
static bool
try_hosts(struct trip *t)
{
	const struct remote_settings *s = t->settings;
	struct outcome trouble;
	if (!hosts_find(&s->dns, t->route, &t->hosts, &trouble) || !find_sts(t, &trouble)) {
		t->trouble = trouble;
		return false;
	}
	t->facts.authentic_mx = t->hosts.authentic;
	enum step step = STEP_ON;
	for (size_t i = 0, end; i < t->hosts.count && step == STEP_ON; i = end) {
		end = hosts_group(&t->hosts, i);
		if (t->located < s->hosts_most && t->connections < s->connections_most)
			step = try_group(t, i, end);
	}
	return step == STEP_DONE;
}

/* --- the errand --------------------------------------------------------------------------------- */

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
	t->located = t->connections = 0;
	t->facts = facts_of(t->settings, route, t->errand);
	t->trouble = outcome_done();
	if (kept_carry(&t->settings->smtp, route, &t->facts, t->errand))
		return true;
	bool local = route->unix_path[0] != '\0';
	/* Nobody stands in between on a Unix socket. */
	t->plan.policy = TLS_NONE;
	bool done = local ? connect_and_send(t, route->unix_path, NULL) : try_hosts(t);
	plan_clear(&t->plan);
	if (!done && t->trouble.class == OUTCOME_DONE)
		t->trouble = outcome_make("4.4.4", "no host of %s could be tried", route->host);
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

static void
end_without_route(struct errand *e, struct slice transport)
{
	log_error("transport-wrong", log_slice("transport", transport), log_slice("to", e->recipients[0].address),
	    log_text("hint", "smtp:[host]:port, smtp:host, lmtp:unix:/path or lmtp:[host]:port: see postern-remote(8)"));
	struct outcome o = transport.len > 0 ? outcome_make("4.3.5", "the transport is not understood")
					     : outcome_make("5.1.2", "the domain cannot be one");
	errand_end_rest(e, &o);
}

void
remote_send(const struct remote_settings *settings, struct slice transport, struct errand *e)
{
	static struct trip t;
	struct route route;
	struct slice first = e->recipients[0].address;
	size_t at = slice_find_last(first, '@');
	struct slice domain = slice_from(first, at < first.len ? at + 1 : at);
	if (!route_parse(transport, domain, &route)) {
		end_without_route(e, transport);
		return;
	}
	header_look(e);
	t = (struct trip){.settings = settings, .errand = e, .route = &route};
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
