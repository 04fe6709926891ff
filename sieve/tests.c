#include "sieve/tests.h"

#include "sieve/match.h"

enum sieve_answer
sieve_ask_true(struct sieve_run *r, const struct sieve_call *call)
{
	(void)r, (void)call;
	return ANSWER_YES;
}

enum sieve_answer
sieve_ask_false(struct sieve_run *r, const struct sieve_call *call)
{
	(void)r, (void)call;
	return ANSWER_NO;
}

enum sieve_answer
sieve_ask_not(struct sieve_run *r, const struct sieve_call *call)
{
	enum sieve_answer a = sieve_ask(r, call->tests);
	return a == ANSWER_ERROR ? a : a == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
}

/* Until one answers otherwise. */
static enum sieve_answer
ask_while(struct sieve_run *r, const struct sieve_call *call, enum sieve_answer wanted)
{
	for (const struct sieve_call *test = call->tests; test != NULL; test = test->next) {
		enum sieve_answer a = sieve_ask(r, test);
		if (a != wanted)
			return a;
	}
	return wanted;
}

enum sieve_answer
sieve_ask_allof(struct sieve_run *r, const struct sieve_call *call)
{
	return ask_while(r, call, ANSWER_YES);
}

enum sieve_answer
sieve_ask_anyof(struct sieve_run *r, const struct sieve_call *call)
{
	return ask_while(r, call, ANSWER_NO);
}

/* --- size ---------------------------------------------------------------------------------- */

bool
sieve_check_size(const struct sieve_call *call, struct sieve_problem *p)
{
	return (call->said.tags & TAGS_OVER) != 0 || sieve_wrong(p, call->line, "size needs :over or :under");
}

enum sieve_answer
sieve_ask_size(struct sieve_run *r, const struct sieve_call *call)
{
	uint64_t size = r->message->size;
	bool yes = call->said.over ? size > call->said.number : size < call->said.number;
	return yes ? ANSWER_YES : ANSWER_NO;
}

/* --- the header ------------------------------------------------------------------------------ */

enum sieve_answer
sieve_ask_exists(struct sieve_run *r, const struct sieve_call *call)
{
	const struct sieve_strings *names = &call->said.first;
	for (size_t i = 0; i < names->count; i++)
		if (sieve_message_find(r->message, names->items[i], 0) == r->message->count)
			return ANSWER_NO;
	return ANSWER_YES;
}

/* All fields of one name. */
static enum sieve_answer
ask_fields(struct sieve_run *r, const struct sieve_call *call, struct slice name)
{
	struct sieve_message *m = r->message;
	enum sieve_answer a = ANSWER_NO;
	for (size_t at = sieve_message_find(m, name, 0); at < m->count && a == ANSWER_NO; at = sieve_message_find(m, name, at + 1)) {
		struct slice text;
		if (!sieve_message_text(&m->fields[at], r->memory, &text)) {
			sieve_fails(r, call, "there is no memory for the header");
			return ANSWER_ERROR;
		}
		a = sieve_match(r, &call->said, text, call->said.second);
	}
	return a;
}

enum sieve_answer
sieve_ask_header(struct sieve_run *r, const struct sieve_call *call)
{
	const struct sieve_strings *names = &call->said.first;
	enum sieve_answer a = ANSWER_NO;
	for (size_t i = 0; i < names->count && a == ANSWER_NO; i++)
		a = ask_fields(r, call, names->items[i]);
	return a;
}

/* --- folders ----------------------------------------------------------------------------------- */

enum sieve_answer
sieve_ask_mailboxexists(struct sieve_run *r, const struct sieve_call *call)
{
	const struct sieve_strings *names = &call->said.first;
	for (size_t i = 0; i < names->count; i++) {
		/* A question to another process costs more than a comparison. */
		const uint64_t cost = 100000;
		if (r->budget <= cost)
			return sieve_over_budget(r);
		r->budget -= cost;
		if (r->exists == NULL || !r->exists(r->context, names->items[i]))
			return ANSWER_NO;
	}
	return ANSWER_YES;
}
