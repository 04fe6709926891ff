#include "sieve/flags.h"

#include "sieve/match.h"

static bool
has(const struct sieve_strings *flags, struct slice flag)
{
	for (size_t i = 0; i < flags->count; i++)
		if (slice_equal_nocase(flags->items[i], flag))
			return true;
	return false;
}

/* Adds those of a text; \Recent is nobody's to set, and is passed over. */
static void
add_text(struct sieve_strings *flags, struct slice text)
{
	struct slice flag;
	while (flags->count < SIEVE_FLAGS_MOST && slice_split(&text, ' ', &flag)) {
		flag = slice_trim(flag);
		if (flag.len > 0 && !slice_is_nocase(flag, "\\Recent") && !has(flags, flag))
			flags->items[flags->count++] = flag;
	}
}

static struct sieve_strings
add_list(struct sieve_run *r, struct sieve_strings before, struct sieve_strings list)
{
	struct sieve_strings flags = {.items = sieve_take(r->memory, SIEVE_FLAGS_MOST * sizeof *flags.items)};
	if (flags.items == NULL)
		return flags;
	for (size_t i = 0; i < before.count; i++)
		flags.items[flags.count++] = before.items[i];
	for (size_t i = 0; i < list.count; i++)
		add_text(&flags, list.items[i]);
	return flags;
}

struct sieve_strings
sieve_flags_of(struct sieve_run *r, struct sieve_strings list)
{
	return add_list(r, (struct sieve_strings){.count = 0}, list);
}

enum sieve_flow
sieve_act_setflag(struct sieve_run *r, const struct sieve_call *call)
{
	r->flags = sieve_flags_of(r, call->said.first);
	return r->memory->failed ? sieve_fails(r, call, "there is no memory") : FLOW_ON;
}

enum sieve_flow
sieve_act_addflag(struct sieve_run *r, const struct sieve_call *call)
{
	r->flags = add_list(r, r->flags, call->said.first);
	return r->memory->failed ? sieve_fails(r, call, "there is no memory") : FLOW_ON;
}

enum sieve_flow
sieve_act_removeflag(struct sieve_run *r, const struct sieve_call *call)
{
	struct sieve_strings gone = sieve_flags_of(r, call->said.first), left = sieve_flags_of(r, (struct sieve_strings){.count = 0});
	if (r->memory->failed)
		return sieve_fails(r, call, "there is no memory");
	for (size_t i = 0; i < r->flags.count; i++)
		if (!has(&gone, r->flags.items[i]))
			left.items[left.count++] = r->flags.items[i];
	r->flags = left;
	return FLOW_ON;
}

enum sieve_answer
sieve_ask_hasflag(struct sieve_run *r, const struct sieve_call *call)
{
	struct sieve_strings keys = sieve_flags_of(r, call->said.first);
	enum sieve_answer a = ANSWER_NO;
	for (size_t i = 0; i < r->flags.count && a == ANSWER_NO; i++)
		a = sieve_match(r, &call->said, r->flags.items[i], keys);
	return a;
}
