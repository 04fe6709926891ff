/* The tests address and envelope (RFC 5228 sections 5.1, 5.4; RFC 5233). */
#include "lib/mail/address.h"
#include "lib/mail/list.h"
#include "sieve/match.h"
#include "sieve/tests.h"

/* --- one address ------------------------------------------------------------------------------ */

/* The part that the call asks for. False: the address has none. */
static bool
part_of(const struct sieve_run *r, enum sieve_part part, struct slice local, struct slice domain, struct str *into)
{
	struct slice user, detail;
	if (part == PART_ALL)
		return str_append_slice(into, local) && (domain.len == 0 || (str_append_byte(into, '@') && str_append_slice(into, domain)));
	if (part == PART_DOMAIN)
		return domain.len > 0 && str_append_slice(into, domain);
	if (part == PART_LOCAL)
		return str_append_slice(into, local);
	bool parted = address_split_extension(local, r->message->delimiters, &user, &detail);
	if (part == PART_DETAIL && !parted)
		return false;
	return str_append_slice(into, part == PART_USER ? user : detail);
}

static enum sieve_answer
ask_one(struct sieve_run *r, const struct sieve_call *call, struct slice local, struct slice domain)
{
	struct str text = STR_MOST(65536);
	enum sieve_answer a = ANSWER_NO;
	if (part_of(r, call->said.part, local, domain, &text))
		a = sieve_match(r, &call->said, str_slice(&text), call->said.second);
	str_free(&text);
	return a;
}

/* --- address ------------------------------------------------------------------------------------ */

/* Fields that hold addresses. */
static const char *const address_fields[] = {"From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Resent-From", "Resent-To", "Resent-Cc",
    "Resent-Bcc", "Resent-Sender", "Resent-Reply-To", "Return-Path", "Delivered-To", "X-Delivered-To", "X-Original-To", "Envelope-To",
    "X-Envelope-To", "X-Envelope-From", "Errors-To", "Return-Receipt-To", "Disposition-Notification-To", "Mail-Followup-To",
    "Mail-Reply-To", "Apparently-To", "Original-Recipient", "Final-Recipient"};

bool
sieve_check_address(const struct sieve_call *call, struct sieve_problem *p)
{
	const struct sieve_strings *names = &call->said.first;
	const size_t count = sizeof address_fields / sizeof *address_fields;
	for (size_t i = 0; i < names->count; i++) {
		size_t k = 0;
		while (k < count && !slice_is_nocase(names->items[i], address_fields[k]))
			k++;
		if (k == count)
			return sieve_wrong(p, call->line, "a field \"%.*s\" holds no addresses: use the test header", (int)slice_first(names->items[i], 40).len, names->items[i].data);
	}
	return true;
}

static enum sieve_answer
ask_list(struct sieve_run *r, const struct sieve_call *call, struct slice value)
{
	struct mailbox_list list;
	struct mailbox m;
	enum sieve_answer a = ANSWER_NO;
	mailbox_list_begin(&list, value);
	while (a == ANSWER_NO && mailbox_list_next(&list, &m))
		if (m.kind == MAILBOX_ADDRESS)
			a = ask_one(r, call, m.local, m.domain);
	mailbox_list_end(&list);
	return a;
}

enum sieve_answer
sieve_ask_address(struct sieve_run *r, const struct sieve_call *call)
{
	const struct sieve_strings *names = &call->said.first;
	const struct sieve_message *m = r->message;
	enum sieve_answer a = ANSWER_NO;
	for (size_t i = 0; i < names->count; i++)
		for (size_t at = sieve_message_find(m, names->items[i], 0); at < m->count; at = sieve_message_find(m, names->items[i], at + 1)) {
			size_t cost = m->fields[at].raw.len + 1;
			if (r->budget <= cost)
				return sieve_over_budget(r);
			r->budget -= cost;
			a = ask_list(r, call, m->fields[at].raw);
			if (a != ANSWER_NO)
				return a;
		}
	return ANSWER_NO;
}

/* --- envelope ------------------------------------------------------------------------------------- */

bool
sieve_check_envelope(const struct sieve_call *call, struct sieve_problem *p)
{
	const struct sieve_strings *parts = &call->said.first;
	for (size_t i = 0; i < parts->count; i++)
		if (!slice_is_nocase(parts->items[i], "from") && !slice_is_nocase(parts->items[i], "to"))
			return sieve_wrong(p, call->line, "of the envelope there is \"from\" and \"to\"");
	return true;
}

/* The null sender is empty whatever part is asked for (RFC 5228 section 5.4). */
static enum sieve_answer
ask_path(struct sieve_run *r, const struct sieve_call *call, struct slice path)
{
	struct address a;
	if (path.len == 0)
		return sieve_match(r, &call->said, path, call->said.second);
	enum address_result result = address_parse(path, ADDRESS_UTF8 | ADDRESS_NO_DOMAIN, &a);
	if (result != ADDRESS_OK && result != ADDRESS_LOCAL_LONG)
		return ANSWER_NO;
	return ask_one(r, call, address_local(&a), address_domain(&a));
}

enum sieve_answer
sieve_ask_envelope(struct sieve_run *r, const struct sieve_call *call)
{
	const struct sieve_strings *parts = &call->said.first;
	enum sieve_answer a = ANSWER_NO;
	for (size_t i = 0; i < parts->count && a == ANSWER_NO; i++)
		a = ask_path(r, call, slice_is_nocase(parts->items[i], "from") ? r->message->sender : r->message->recipient);
	return a;
}
