#include "authd/reach.h"

#include "authd/classify.h"
#include "authd/targets.h"
#include "lib/base/log.h"

#define TARGETS_MOST 1000

/* Addresses in the order in which they came up, each with a NUL behind it. */
struct walk {
	struct str addresses;
	size_t     count, looked;
	bool       cut; /* there were more than REACH_MOST, or TARGETS_MOST with those that came up again */
};

static bool
is_known(const struct walk *w, struct slice address)
{
	struct slice rest = str_slice(&w->addresses), known;
	while (slice_split(&rest, '\0', &known))
		if (slice_equal_nocase(known, address))
			return true;
	return false;
}

static void
join(struct walk *w, struct slice address)
{
	if (++w->looked <= TARGETS_MOST && is_known(w, address))
		return;
	if (w->count == REACH_MOST || w->looked > TARGETS_MOST) {
		w->cut = true;
		return;
	}
	w->count++;
	str_append_slice(&w->addresses, address);
	str_append_byte(&w->addresses, '\0');
}

static void
join_targets(struct walk *w, const struct resolution *r, const struct parts *p, const struct finding *found)
{
	struct slice targets = found->value, target;
	struct str address = STR_MOST(MAP_KEY_MOST);
	/* A table may hold 15000 targets, and this is done again for each fact that was fetched. */
	while (!w->cut && next_target(&targets, &target)) {
		str_clear(&address);
		target_append(&address, r, p, target, false);
		if (!address.failed)
			join(w, str_slice(&address));
	}
	str_free(&address);
}

/* One address of the walk: does it reach the login itself? What its alias names comes up later. */
static enum verdict
look_at(struct walk *w, struct resolution *r, const struct parts *p, struct slice login)
{
	struct finding found;
	enum verdict v = classify(r, p, &found);
	if (v != VERDICT_OK)
		return v;
	if (found.class == CLASS_MAILBOX || found.class == CLASS_RELAY)
		return slice_equal_nocase(found.user, login) ? VERDICT_OK : VERDICT_NO;
	if (found.class != CLASS_ALIAS)
		return VERDICT_NO;
	if (targets_name(r, p, found.value, login))
		return VERDICT_OK;
	join_targets(w, r, p, &found);
	return VERDICT_NO;
}

static enum verdict
look_at_all(struct walk *w, struct resolution *r, struct slice login)
{
	for (size_t at = 0; at < w->addresses.len;) {
		struct parts p;
		struct slice address = slice_of(str_text(&w->addresses) + at);
		at += address.len + 1;
		enum verdict v = VERDICT_NO;
		if (parts_take(&p, address, r->options->recipient_delimiter))
			v = classify_settle_form(r, &p);
		if (v == VERDICT_OK)
			v = look_at(w, r, &p, login);
		parts_free(&p);
		if (v != VERDICT_NO)
			return v;
	}
	return VERDICT_NO;
}

enum verdict
reaches(struct resolution *r, const struct parts *p, struct slice login)
{
	struct walk w = {.addresses = STR_MOST(MAP_VALUE_MOST)};
	join(&w, str_slice(&p->written));
	enum verdict v = look_at_all(&w, r, login);
	if (v == VERDICT_NO && w.cut) {
		r->why = "the alias has more than 60 addresses behind it: name the login in sql_senders";
		log_warning("sender-not-followed", log_slice("address", str_slice(&p->written)), log_slice("login", login), log_text("hint", r->why));
	}
	str_free(&w.addresses);
	return v;
}
