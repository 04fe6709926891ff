/* What a domain is, before its users: this host's, ours, one that we pass on for; and in which form the tables have it. */
#include "authd/classify.h"
#include "authd/targets.h"

bool
classify_is_local_domain(const struct resolution *r, struct slice domain)
{
	struct slice rest = slice_of(r->options->local_domains), name;
	/* The aliases file is for this host, whatever else it is for. */
	if (r->options->aliases->file.path[0] != '\0' && slice_equal_nocase(slice_of(r->options->hostname), domain))
		return true;
	while (next_target(&rest, &name))
		if (slice_equal_nocase(name, domain))
			return true;
	return false;
}

/* A domain below a relay domain is one too, as Postfix has it (parent_domain_matches_subdomains); a bare top level is none. */
enum verdict
classify_relay_domain(struct resolution *r, struct slice domain)
{
	enum verdict v = VERDICT_NO;
	struct slice value;
	for (; v == VERDICT_NO && slice_has(domain, '.'); domain = parts_parent(domain))
		v = ask(r, MAP_RELAY_DOMAIN, domain, &value);
	return v;
}

enum verdict
is_relayed(struct resolution *r, const struct parts *p)
{
	struct slice value;
	enum verdict v = ask(r, MAP_DOMAIN, parts_domain(p), &value);
	if (v == VERDICT_NO)
		return classify_relay_domain(r, parts_domain(p));
	return v == VERDICT_OK ? VERDICT_NO : v;
}

/* --- domains in two forms ------------------------------------------------------------------- */

/* One of this host's, ours, or one that we pass on for. */
static enum verdict
is_known(struct resolution *r, struct slice domain)
{
	struct slice value;
	if (classify_is_local_domain(r, domain))
		return VERDICT_OK;
	enum verdict v = ask(r, MAP_DOMAIN, domain, &value);
	return v == VERDICT_NO ? classify_relay_domain(r, domain) : v;
}

enum verdict
classify_settle_form(struct resolution *r, struct parts *p)
{
	struct parts other;
	for (int form = 0; form < FORM_COUNT; form++) {
		if (!parts_in_form(p, (enum domain_form)form, r->options->recipient_delimiter, &other))
			continue;
		enum verdict v = is_known(r, parts_domain(p));
		if (v == VERDICT_NO && (v = is_known(r, parts_domain(&other))) == VERDICT_OK) {
			parts_free(p);
			*p = other;
			return VERDICT_OK;
		}
		parts_free(&other);
		if (v != VERDICT_NO)
			return v;
	}
	return VERDICT_OK;
}
