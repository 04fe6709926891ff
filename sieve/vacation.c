#include "sieve/vacation.h"

#include "lib/base/siphash.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "sieve/actions.h"

/* --- what can be said of it before there is a message -------------------------------------------- */

/* The reason is a MIME entity: its fields are of no other kind than that, or it could add a recipient, and ASCII (RFC 5230 section 5). */
static bool
check_entity(const struct sieve_call *call, struct slice entity, struct sieve_problem *p)
{
	struct header_reader reader;
	struct header_field f;
	header_begin(&reader, entity);
	while (header_next(&reader, &f))
		if (!slice_starts_nocase(f.name, "Content-") && !slice_is_nocase(f.name, "MIME-Version"))
			return sieve_wrong(p, call->line, "with :mime the text begins with Content- fields and an empty line");
	if (!address_is_ascii(slice_first(entity, header_body(&reader))))
		return sieve_wrong(p, call->line, "with :mime the fields are ASCII");
	return header_body(&reader) < entity.len || sieve_wrong(p, call->line, "with :mime there is an empty line and a text behind the fields");
}

bool
sieve_check_vacation(const struct sieve_call *call, struct sieve_problem *p)
{
	struct slice reason = call->said.first.items[0];
	struct str from = STR_MOST(VACATION_ANSWER_MOST);
	bool ok = call->said.from.data == NULL || sieve_reply_from(&from, call->said.from) > 0;
	str_free(&from);
	if (!ok)
		return sieve_wrong(p, call->line, ":from needs an address, or up to %d", VACATION_FROM_MOST);
	if (reason.len > VACATION_REASON_MOST)
		return sieve_wrong(p, call->line, "the text of vacation has more than %d bytes", VACATION_REASON_MOST);
	return !call->said.mime || check_entity(call, reason, p);
}

/* --- who was answered ---------------------------------------------------------------------------------- */

static void
add_part(struct str *into, struct slice part)
{
	str_append_slice(into, part);
	str_append_byte(into, '\0');
}

/*
 * A sender and a handle; without one, all that makes this answer another one
 * (RFC 5230 section 4.2). No secret: a stranger who finds a sender with the same mark saves him an answer.
 */
static uint64_t
mark_of(const struct sieve_run *r, const struct sieve_said *said)
{
	static const struct siphash_key key = {0, 0};
	struct str all = STR_MOST(SIEVE_SCRIPT_MOST);
	for (size_t i = 0; i < r->message->sender.len; i++)
		str_append_byte(&all, (char)ascii_lower((unsigned char)r->message->sender.data[i]));
	str_append_byte(&all, '\0');
	if (said->handle.data != NULL) {
		add_part(&all, said->handle);
	} else {
		add_part(&all, said->subject);
		add_part(&all, said->from);
		add_part(&all, slice_of(said->mime ? "mime" : ""));
		add_part(&all, said->first.items[0]);
	}
	uint64_t mark = siphash(&key, str_slice(&all));
	str_free(&all);
	return mark != 0 ? mark : 1;
}

static uint64_t
days_of(const struct sieve_said *said)
{
	if ((said->tags & TAGS_DAYS) == 0)
		return VACATION_DAYS;
	return said->days < 1 ? 1 : said->days < VACATION_DAYS_MOST ? said->days : VACATION_DAYS_MOST;
}

static enum sieve_flow
answer(struct sieve_run *r, const struct sieve_call *call, struct slice own)
{
	struct str text = STR_MOST(VACATION_ANSWER_MOST);
	struct sieve_action *a = sieve_add_action(r, call->line, SIEVE_VACATION);
	if (a == NULL)
		return FLOW_ERROR;
	bool ok = sieve_reply_compose(&text, r, call, own);
	if (ok)
		a->text = sieve_keep(r->memory, str_slice(&text));
	str_free(&text);
	if (!ok || a->text.data == NULL)
		return sieve_fails(r, call, "the answer of vacation is too long");
	a->mark = mark_of(r, &call->said);
	a->days = days_of(&call->said);
	return FLOW_ON;
}

enum sieve_flow
sieve_act_vacation(struct sieve_run *r, const struct sieve_call *call)
{
	struct str own = STR_MOST(1000);
	enum sieve_flow flow = FLOW_ON;
	/* RFC 5230 section 4.7: a script that is wrong is so for every message. */
	const char *why = sieve_conflict(r, SIEVE_VACATION);
	if (why != NULL)
		return sieve_fails(r, call, why);
	if (sieve_not_answered(r->message, call->said.addresses, &own) == NULL)
		flow = answer(r, call, str_slice(&own));
	r->vacated = true;
	str_free(&own);
	return flow;
}
