#include "queue/remote_plan.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/mail/idna.h"

#define NAMES_MOST  4096
#define RECORD_MOST (16 + 2 * DNS_TLSA_MOST)
#define ALIASES_MOST 8 /* one behind the other */

/* --- names ------------------------------------------------------------------------------- */

static void
add_name(struct tls_plan *plan, struct slice name)
{
	if (name.len == 0)
		return;
	if (plan->names.len > 0)
		str_append_text(&plan->names, ",");
	str_append_slice(&plan->names, name);
}

/* As an administrator wrote it: in UTF-8 perhaps, and ".example.org" stands for what is beneath. Certificates have A-labels. */
static void
add_written(struct tls_plan *plan, struct slice name)
{
	struct str ascii = STR_MOST(1 + IDNA_NAME_MOST);
	bool beneath = slice_starts(name, ".");
	if (beneath)
		str_append_byte(&ascii, '.');
	bool ok = idna_to_ascii(slice_from(name, beneath), &ascii);
	add_name(plan, ok ? str_slice(&ascii) : name);
	str_free(&ascii);
}

static void
add_listed(struct tls_plan *plan, struct slice names)
{
	struct slice name;
	while (slice_split(&names, ' ', &name))
		add_written(plan, slice_trim(name));
}

/* The destination's own name, and all hosts beneath it. */
static void
add_destination(struct tls_plan *plan, const struct route *route)
{
	char beneath[ROUTE_HOST_MOST + 2];
	snprintf(beneath, sizeof beneath, ".%s", route->host);
	add_name(plan, slice_of(route->host));
	if (route->mx)
		add_name(plan, slice_of(beneath));
}

/* The first is sent as SNI, and a host often serves several names. So the host comes first, unless its name could be a lie. */
static void
choose_names(struct tls_plan *plan, const struct plan_facts *f, const char *host)
{
	bool host_counts = plan->policy != TLS_SECURE || f->authentic_mx || f->sts.enforced;
	if (f->policy.names.len > 0 && plan->policy >= TLS_VERIFY) {
		add_listed(plan, f->policy.names);
		return;
	}
	if (host_counts)
		add_name(plan, slice_of(host));
	if (plan->policy == TLS_SECURE && !(host_counts && strcmp(host, f->route->host) == 0))
		add_destination(plan, f->route);
}

/* --- DANE --------------------------------------------------------------------------------- */

static void
add_record(struct tls_plan *plan, const struct dns_tlsa *r)
{
	struct str *text = &plan->tlsa[plan->tlsa_count++];
	*text = STR_MOST(RECORD_MOST);
	str_append_format(text, "%u %u %u ", r->usage, r->selector, r->matching);
	hex_encode(text, slice_make((const char *)r->data, r->len));
}

/* False: they could not be looked up. None is no trouble. */
static bool
find_records(struct tls_plan *plan, const struct plan_facts *f, const char *base)
{
	static struct dns_tlsa records[DNS_RECORDS_MOST];
	char name[DNS_NAME_MOST + 16];
	size_t count;
	snprintf(name, sizeof name, "_%u._tcp.%s", (unsigned)f->route->port, base);
	enum dns_result r = dns_find_tlsa(f->dns, name, records, &count);
	if (r == DNS_TROUBLE)
		return false;
	for (size_t i = 0; r == DNS_FOUND && dns_was_authentic() && i < count; i++)
		if (records[i].len > 0)
			add_record(plan, &records[i]);
	return true;
}

/*
 * What `host` is an alias of in the end, as far as that is authentic; the same
 * text when it is none. False: it could not be looked up.
 */
static bool
follow_aliases(const struct plan_facts *f, const char *host, char target[DNS_NAME_MOST + 1], bool *authentic)
{
	char next[DNS_NAME_MOST + 1];
	snprintf(target, DNS_NAME_MOST + 1, "%s", host);
	for (int i = 0; i < ALIASES_MOST; i++) {
		enum dns_result r = dns_find_alias(f->dns, target, next);
		if (r == DNS_TROUBLE)
			return false;
		*authentic = *authentic && dns_was_authentic();
		if (r != DNS_FOUND || !*authentic)
			return true;
		memcpy(target, next, sizeof next);
	}
	return true;
}

/* RFC 7672 section 2.2.2: the name at the end of the aliases first, then the one that the aliases began with. */
static bool
find_dane(struct tls_plan *plan, const struct plan_facts *f, const char *host, bool authentic_addresses, const char **base)
{
	static char target[DNS_NAME_MOST + 1];
	bool authentic_alias = true;
	if (!f->authentic_mx || !f->dns->trusted)
		return true;
	if (!follow_aliases(f, host, target, &authentic_alias))
		return false;
	bool is_alias = strcmp(target, host) != 0;
	*base = target;
	if (authentic_addresses && !find_records(plan, f, target))
		return false;
	if (plan->tlsa_count > 0 || !is_alias)
		return true;
	*base = host;
	return find_records(plan, f, host);
}

/* --- the plan -------------------------------------------------------------------------------- */

void
plan_clear(struct tls_plan *plan)
{
	str_free(&plan->names);
	for (size_t i = 0; i < plan->tlsa_count; i++)
		str_free(&plan->tlsa[i]);
	*plan = (struct tls_plan){.names = STR_MOST(NAMES_MOST)};
}

/* A message that must not go in clear wants a certificate that proves the way, whatever the policy says. */
static enum tls_policy
without_records(const struct plan_facts *f)
{
	enum tls_policy wanted = f->policy.wanted == TLS_DANE ? TLS_MAY : f->policy.wanted;
	if (f->require_tls && !(wanted >= TLS_VERIFY && f->policy.names.len > 0))
		return TLS_SECURE;
	return f->route->tls && wanted < TLS_ENCRYPT ? TLS_ENCRYPT : wanted;
}

/* RFC 7672 section 3.2.2: with usage 2 the certificate may bear the destination's name as well. */
static void
choose_dane_names(struct tls_plan *plan, const struct plan_facts *f, const char *base, const char *host)
{
	add_name(plan, slice_of(base));
	if (strcmp(host, base) != 0)
		add_name(plan, slice_of(host));
	if (strcmp(f->route->host, base) != 0 && strcmp(f->route->host, host) != 0)
		add_name(plan, slice_of(f->route->host));
}

/* --- MTA-STS ---------------------------------------------------------------------------------- */

/*
 * RFC 8461 section 4: the host is one that the policy lists, and its
 * certificate bears its name. False, with the trouble: it must not have the message.
 */
static bool
apply_sts(struct tls_plan *plan, const struct plan_facts *f, const char *host, struct outcome *trouble)
{
	if (!f->sts.enforced && !f->sts.testing)
		return true;
	bool listed = sts_lists(&f->sts, host);
	plan->sts = f->sts.enforced ? "enforce" : "testing";
	if (!listed)
		log_warning("sts-not-listed", log_text("destination", f->route->host), log_text("host", host), log_text("mode", plan->sts));
	if (!f->sts.enforced)
		return true;
	*trouble = outcome_make("4.7.5", "the MTA-STS policy of %s does not list its mail host %s", f->route->host, host);
	if (plan->policy < TLS_VERIFY)
		plan->policy = TLS_VERIFY;
	return listed;
}

/* --- all together ------------------------------------------------------------------------------- */

bool
plan_host(struct tls_plan *plan, const struct plan_facts *f, const char *host, bool authentic_addresses, struct outcome *trouble)
{
	const char *base = host;
	plan_clear(plan);
	plan->implicit = f->route->tls;
	bool ask = f->policy.wanted == TLS_DANE || (f->require_tls && f->policy.wanted < TLS_VERIFY);
	if (ask && !find_dane(plan, f, host, authentic_addresses, &base)) {
		*trouble = outcome_make("4.7.5", "the TLSA records of %s could not be looked up", host);
		return false;
	}
	plan->policy = plan->tlsa_count > 0 ? TLS_DANE : without_records(f);
	if (plan->policy == TLS_DANE) {
		choose_dane_names(plan, f, base, host);
		return true;
	}
	bool usable = apply_sts(plan, f, host, trouble);
	choose_names(plan, f, host);
	return usable;
}

void
plan_wish(const struct tls_plan *plan, struct tls_wish *wish)
{
	static const char *texts[DNS_RECORDS_MOST];
	static const char *const asked[] = {
	    [TLS_NONE] = "may", [TLS_MAY] = "may", [TLS_ENCRYPT] = "encrypt", [TLS_DANE] = "dane", [TLS_VERIFY] = "verify", [TLS_SECURE] = "verify",
	};
	for (size_t i = 0; i < plan->tlsa_count; i++)
		texts[i] = str_text(&plan->tlsa[i]);
	*wish = (struct tls_wish){.policy = asked[plan->policy], .names = str_text(&plan->names), .tlsa_count = plan->tlsa_count, .tlsa = texts};
}
