#include "sieve/run.h"

#include <string.h>

#include "sieve/actions.h"

enum sieve_answer
sieve_over_budget(struct sieve_run *r)
{
	sieve_wrong(r->problem, r->line, "the script takes too long");
	return ANSWER_ERROR;
}

enum sieve_flow
sieve_fails(struct sieve_run *r, const struct sieve_call *call, const char *why)
{
	sieve_wrong(r->problem, call->line, "%s", why);
	return FLOW_ERROR;
}

enum sieve_answer
sieve_ask(struct sieve_run *r, const struct sieve_call *test)
{
	r->line = test->line;
	if (r->budget == 0)
		return sieve_over_budget(r);
	r->budget--;
	return test->definition->ask(r, test);
}

static enum sieve_flow run_block(struct sieve_run *r, const struct sieve_call *first);

/* if, elsif and else. `taken`: a branch of theirs was. */
static enum sieve_flow
run_branch(struct sieve_run *r, const struct sieve_call *call, bool *taken)
{
	if (strcmp(call->definition->name, "if") == 0)
		*taken = false;
	else if (*taken)
		return FLOW_ON;
	enum sieve_answer a = call->tests != NULL ? sieve_ask(r, call->tests) : ANSWER_YES;
	if (a == ANSWER_ERROR)
		return FLOW_ERROR;
	*taken = a == ANSWER_YES;
	return *taken ? run_block(r, call->block) : FLOW_ON;
}

static enum sieve_flow
run_block(struct sieve_run *r, const struct sieve_call *first)
{
	bool taken = false;
	enum sieve_flow flow = FLOW_ON;
	for (const struct sieve_call *call = first; call != NULL && flow == FLOW_ON; call = call->next) {
		r->line = call->line;
		if (r->budget == 0) {
			sieve_over_budget(r);
			return FLOW_ERROR;
		}
		r->budget--;
		if (call->definition->block)
			flow = run_branch(r, call, &taken);
		else if (call->definition->act != NULL)
			flow = call->definition->act(r, call);
	}
	return flow;
}

bool
sieve_run_keeps(const struct sieve_run *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->actions[i].kind == SIEVE_KEEP)
			return true;
	return false;
}

bool
sieve_run(struct sieve_run *r, const struct sieve_script *s)
{
	r->cancelled = false;
	r->flags = (struct sieve_strings){.count = 0};
	if (run_block(r, s->commands) == FLOW_ERROR)
		return false;
	if (r->memory->failed)
		return sieve_wrong(r->problem, r->line, "the script takes too much memory");
	return r->cancelled || sieve_keep_implicitly(r);
}
