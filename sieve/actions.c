#include "sieve/actions.h"

#include "lib/mail/address.h"
#include "sieve/flags.h"
#include "sieve/vacation.h"

/*
 * What goes together: reject with nothing else (RFC 5429 section 2.1 and RFC
 * 5230 section 4.7), vacation once, all others as they are.
 */
const char *
sieve_conflict(const struct sieve_run *r, enum sieve_kind kind)
{
	if (kind == SIEVE_REJECT && r->vacated)
		return "reject cannot be together with another action";
	if (kind == SIEVE_VACATION && r->vacated)
		return "vacation cannot be done twice";
	for (size_t i = 0; i < r->count; i++) {
		enum sieve_kind other = r->actions[i].kind;
		if (kind == SIEVE_REJECT || other == SIEVE_REJECT)
			return "reject cannot be together with another action";
	}
	return r->count == SIEVE_ACTIONS_MOST ? "there are too many actions" : NULL;
}

struct sieve_action *
sieve_add_action(struct sieve_run *r, unsigned line, enum sieve_kind kind)
{
	const char *why = sieve_conflict(r, kind);
	if (why != NULL) {
		sieve_wrong(r->problem, line, "%s", why);
		return NULL;
	}
	struct sieve_action *a = &r->actions[r->count++];
	*a = (struct sieve_action){.kind = kind};
	return a;
}

/* The same action was there already: RFC 5228 section 2.10.3 has it done once. */
static struct sieve_action *
find_same(struct sieve_run *r, enum sieve_kind kind, struct slice text)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->actions[i].kind == kind && (kind == SIEVE_FILEINTO ? slice_equal : slice_equal_nocase)(r->actions[i].text, text))
			return &r->actions[i];
	return NULL;
}

enum sieve_flow
sieve_act_stop(struct sieve_run *r, const struct sieve_call *call)
{
	(void)r, (void)call;
	return FLOW_STOP;
}

enum sieve_flow
sieve_act_discard(struct sieve_run *r, const struct sieve_call *call)
{
	(void)call;
	r->cancelled = true;
	return FLOW_ON;
}

/* :flags counts for this action, the internal variable for those without (RFC 5232 section 5). */
static struct sieve_strings
flags_for(struct sieve_run *r, const struct sieve_call *call)
{
	return call != NULL && (call->said.tags & TAGS_FLAGS) ? sieve_flags_of(r, call->said.flags) : r->flags;
}

static enum sieve_flow
store(struct sieve_run *r, const struct sieve_call *call, enum sieve_kind kind, struct slice folder)
{
	struct sieve_action *a = find_same(r, kind, folder);
	if (a == NULL)
		a = sieve_add_action(r, call->line, kind);
	if (a == NULL)
		return FLOW_ERROR;
	a->text = folder;
	a->create = a->create || call->said.create;
	a->flags = flags_for(r, call);
	return FLOW_ON;
}

enum sieve_flow
sieve_act_keep(struct sieve_run *r, const struct sieve_call *call)
{
	return store(r, call, SIEVE_KEEP, slice_of(""));
}

enum sieve_flow
sieve_act_fileinto(struct sieve_run *r, const struct sieve_call *call)
{
	r->cancelled = r->cancelled || !call->said.copy;
	return store(r, call, SIEVE_FILEINTO, call->said.first.items[0]);
}

bool
sieve_keep_implicitly(struct sieve_run *r)
{
	if (sieve_run_keeps(r))
		return true;
	struct sieve_action *a = sieve_add_action(r, r->line, SIEVE_KEEP);
	if (a == NULL)
		return false;
	a->flags = r->flags;
	return true;
}

/* --- to others --------------------------------------------------------------------------------- */

bool
sieve_check_redirect(const struct sieve_call *call, struct sieve_problem *p)
{
	struct address a;
	enum address_result result = address_parse(call->said.first.items[0], ADDRESS_UTF8, &a);
	return result == ADDRESS_OK || sieve_wrong(p, call->line, "redirect needs an address: %s", address_problem(result));
}

static bool
may_redirect(const struct sieve_run *r)
{
	size_t count = 0;
	for (size_t i = 0; i < r->count; i++)
		count += r->actions[i].kind == SIEVE_REDIRECT;
	return count < r->redirects_most;
}

enum sieve_flow
sieve_act_redirect(struct sieve_run *r, const struct sieve_call *call)
{
	struct address address;
	address_parse(call->said.first.items[0], ADDRESS_UTF8, &address);
	r->cancelled = r->cancelled || !call->said.copy;
	if (find_same(r, SIEVE_REDIRECT, address_text(&address)) != NULL)
		return FLOW_ON;
	if (!may_redirect(r))
		return sieve_fails(r, call, "there are too many redirects (setting sieve_redirects)");
	struct sieve_action *a = sieve_add_action(r, call->line, SIEVE_REDIRECT);
	if (a == NULL)
		return FLOW_ERROR;
	a->text = sieve_keep(r->memory, address_text(&address));
	return a->text.data != NULL ? FLOW_ON : sieve_fails(r, call, "there is no memory");
}

static struct sieve_action *
refuse(struct sieve_run *r, const struct sieve_call *call)
{
	struct sieve_action *a = sieve_add_action(r, call->line, SIEVE_REJECT);
	if (a == NULL)
		return NULL;
	r->cancelled = true;
	a->text = call->said.first.items[0];
	return a;
}

enum sieve_flow
sieve_act_ereject(struct sieve_run *r, const struct sieve_call *call)
{
	return refuse(r, call) != NULL ? FLOW_ON : FLOW_ERROR;
}

/* RFC 5429 section 2.2: what a reply of SMTP cannot say goes to the sender in a message of its own; to the null sender nothing does. */
enum sieve_flow
sieve_act_reject(struct sieve_run *r, const struct sieve_call *call)
{
	struct str told = STR_MOST(VACATION_ANSWER_MOST);
	struct sieve_action *a = refuse(r, call);
	if (a == NULL)
		return FLOW_ERROR;
	if (address_is_ascii(a->text) || r->message->sender.len == 0)
		return FLOW_ON;
	/* What is too long for that is refused with what can be said. */
	if (sieve_reply_refuse(&told, r, a->text))
		a->told = sieve_keep(r->memory, str_slice(&told));
	str_free(&told);
	return FLOW_ON;
}
