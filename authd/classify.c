#include "authd/classify.h"

#include "authd/rewrite.h"
#include "authd/targets.h"
#include "authd/transport.h"
#include "lib/base/log.h"
#include "lib/mail/transport.h"

/* A catch-all that leads to another catch-all, and so on. */
#define HOPS_MOST 8

static enum verdict
is(struct finding *found, enum class class)
{
	found->class = class;
	return VERDICT_OK;
}

/* --- users of our domains ----------------------------------------------------------- */

static enum verdict
find_alias_row(struct resolution *r, const struct parts *p, struct finding *found)
{
	found->user = str_slice(&p->full);
	enum verdict v = ask(r, MAP_ALIAS, found->user, &found->value);
	if (v != VERDICT_NO || p->base.len == 0)
		return v;
	found->user = str_slice(&p->base);
	return ask(r, MAP_ALIAS, found->user, &found->value);
}

/* The alias of the address. One that names only itself is none. */
static enum verdict
find_alias(struct resolution *r, const struct parts *p, struct finding *found)
{
	enum verdict v = find_alias_row(r, p, found);
	/* One that names itself ends the search all the same: user+extension may have a mailbox of its own. */
	return v == VERDICT_OK && targets_name_only(found->value, found->user) ? VERDICT_NO : v;
}

enum verdict
find_mailbox(struct resolution *r, const struct parts *p, struct finding *found)
{
	found->user = str_slice(&p->full);
	enum verdict v = ask(r, MAP_MAILBOX, found->user, &found->value);
	if (v != VERDICT_NO || p->base.len == 0)
		return v;
	found->user = str_slice(&p->base);
	return ask(r, MAP_MAILBOX, found->user, &found->value);
}

/* RFC 5321 section 4.5.1: this address must work, so its mail waits until somebody says who reads it. */
static enum verdict
no_postmaster(struct resolution *r, const struct parts *p)
{
	r->why = "nobody is postmaster: write an address into the setting postmaster";
	log_error("no-postmaster", log_slice("address", str_slice(&p->written)), log_text("hint", r->why));
	return VERDICT_LATER;
}

static enum verdict classify_hop(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop);

/* "@domain" alone as the target: whether there is such a user is that domain's to say, or strangers' mail would bounce. */
static enum verdict
follow_domain(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop)
{
	struct slice target;
	if (!targets_are_one_domain(found->value, &target) || hop == HOPS_MOST)
		return VERDICT_OK;
	struct str address = STR_MOST(MAP_KEY_MOST);
	struct parts there = {.written = STR_MOST(0)};
	struct finding other;
	bool ok = str_append_slice(&address, parts_local(p)) && str_append_slice(&address, target) &&
	    parts_take(&there, str_slice(&address), r->options->recipient_delimiter);
	enum verdict v = ok ? classify_settle_form(r, &there) : VERDICT_LATER;
	if (v == VERDICT_OK)
		v = classify_hop(r, &there, &other, hop + 1);
	if (v == VERDICT_OK && other.class == CLASS_UNKNOWN)
		found->class = CLASS_UNKNOWN;
	parts_free(&there);
	str_free(&address);
	return v;
}

/* Postmaster, or else the catch-all of the domain. */
static enum verdict
find_fallback(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop)
{
	const char *postmaster = r->options->postmaster;
	bool must = parts_is_postmaster(p);
	found->user = slice_of("");
	found->class = CLASS_ALIAS;
	if (must && postmaster[0] != '\0' && !slice_equal_nocase(str_slice(&p->full), slice_of(postmaster))) {
		found->value = slice_of(postmaster);
		return VERDICT_OK;
	}
	enum verdict v = ask(r, MAP_ALIAS, str_slice(&p->catch_all), &found->value);
	if (v == VERDICT_NO)
		return must ? no_postmaster(r, p) : is(found, CLASS_UNKNOWN);
	return v == VERDICT_OK ? follow_domain(r, p, found, hop) : v;
}

/* What is to be returned in any case is better refused: its sender may be forged. */
static bool
is_for_ever(struct slice transport)
{
	return transport_outcome(transport).class == OUTCOME_PERMANENT;
}

/*
 * A mailbox whose own transport, or its domain's, names another host is that
 * host's to deliver. What delivers here under another name (virtual, dovecot,
 * maildrop) is deliver's.
 */
static enum verdict
elsewhere(struct resolution *r, const struct parts *p, struct finding *found)
{
	struct slice transport;
	enum verdict v = find_own_transport(r, p, &transport);
	if (v != VERDICT_OK)
		return v == VERDICT_NO ? VERDICT_OK : v;
	switch (transport_kind(transport)) {
	case TRANSPORT_DEFAULT:
	case TRANSPORT_LOCAL:
	case TRANSPORT_UNKNOWN:
		break;
	case TRANSPORT_ERROR:
		found->class = is_for_ever(transport) ? CLASS_UNKNOWN : CLASS_RELAY;
		break;
	default:
		found->class = CLASS_RELAY;
	}
	return VERDICT_OK;
}

/* Most addresses have no alias, and then the mailbox is asked: one way to the database for both. */
static void
expect_user(struct resolution *r, const struct parts *p)
{
	facts_expect(&r->facts, MAP_ALIAS, str_slice(&p->full));
	facts_expect(&r->facts, MAP_MAILBOX, str_slice(&p->full));
	if (p->base.len == 0)
		return;
	facts_expect(&r->facts, MAP_ALIAS, str_slice(&p->base));
	facts_expect(&r->facts, MAP_MAILBOX, str_slice(&p->base));
}

static enum verdict
classify_inside(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop)
{
	expect_user(r, p);
	enum verdict v = find_alias(r, p, found);
	if (v == VERDICT_OK)
		return is(found, CLASS_ALIAS);
	if (v == VERDICT_NO)
		v = find_mailbox(r, p, found);
	if (v == VERDICT_OK) {
		is(found, CLASS_MAILBOX);
		return elsewhere(r, p, found);
	}
	return v == VERDICT_NO ? find_fallback(r, p, found, hop) : v;
}

/* --- this host's names, other domains -------------------------------------------------- */

/* The aliases file: users of the system have no mailbox here. */
static enum verdict
find_local(struct resolution *r, const struct parts *p, struct finding *found)
{
	struct slice local = parts_local_lower(p);
	found->user = slice_of("");
	enum fact_state state = local_aliases_find(r->options->aliases, local, &found->value);
	if (state == FACT_NONE && p->base.len > 0) {
		local = slice_first(str_slice(&p->base), p->base.len - p->catch_all.len);
		state = local_aliases_find(r->options->aliases, local, &found->value);
	}
	facts_explain(&r->facts, "aliases file", local, state, found->value);
	if (state == FACT_LATER)
		r->why = "the file of the setting local_aliases cannot be read";
	return state == FACT_FOUND ? is(found, CLASS_ALIAS) : state == FACT_LATER ? VERDICT_LATER : VERDICT_NO;
}

/* --- domains of others ------------------------------------------------------------------------ */

/* In a relay domain aliases count, as in Postfix; an address that its alias or the catch-all leads to is the other host's. */
static enum verdict
classify_relayed(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop)
{
	enum verdict v = find_alias_row(r, p, found);
	bool catch_all = v == VERDICT_NO;
	if (catch_all) {
		found->user = str_slice(&p->full);
		v = ask(r, MAP_ALIAS, str_slice(&p->catch_all), &found->value);
	}
	if (v != VERDICT_OK && v != VERDICT_NO)
		return v;
	if (v == VERDICT_NO || targets_name_only(found->value, found->user) || slice_equal_nocase(found->value, str_slice(&p->catch_all))) {
		*found = (struct finding){.class = CLASS_RELAY};
		return elsewhere(r, p, found);
	}
	is(found, CLASS_ALIAS);
	if (!catch_all)
		return VERDICT_OK;
	found->user = slice_of("");
	return follow_domain(r, p, found, hop);
}

static enum verdict
classify_outside(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop)
{
	enum verdict v = classify_relay_domain(r, parts_domain(p));
	if (v == VERDICT_NO)
		return is(found, CLASS_FOREIGN);
	return v == VERDICT_OK ? classify_relayed(r, p, found, hop) : v;
}

static enum verdict
classify_hop(struct resolution *r, const struct parts *p, struct finding *found, unsigned hop)
{
	struct slice value, domain = parts_domain(p);
	*found = (struct finding){.class = CLASS_UNKNOWN};
	if (domain.len == 0) {
		/* RFC 5321 section 4.5.1: "postmaster" without a domain is always taken. */
		return parts_is_postmaster(p) ? find_fallback(r, p, found, hop) : VERDICT_OK;
	}
	bool local = classify_is_local_domain(r, domain);
	enum verdict v = find_rewritten(r, p, found);
	if (v == VERDICT_NO && local)
		v = find_local(r, p, found);
	if (v != VERDICT_NO)
		return v;
	v = ask(r, MAP_DOMAIN, domain, &value);
	if (v == VERDICT_OK)
		return classify_inside(r, p, found, hop);
	if (v != VERDICT_NO)
		return v;
	if (!local)
		return classify_outside(r, p, found, hop);
	return parts_is_postmaster(p) ? find_fallback(r, p, found, hop) : is(found, CLASS_UNKNOWN);
}

enum verdict
classify(struct resolution *r, const struct parts *p, struct finding *found)
{
	return classify_hop(r, p, found, 0);
}
