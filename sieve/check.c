#include "sieve/check.h"

#include <string.h>

#include "sieve/arguments.h"
#include "sieve/definitions.h"
#include "sieve/parser.h"

#define SHOWN_MOST 40 /* bytes of a word of the script in an error */

static int
shown(struct slice word)
{
	return (int)(word.len < SHOWN_MOST ? word.len : SHOWN_MOST);
}

/* --- require ---------------------------------------------------------------------------- */

static bool
require(struct sieve_checking *c, const struct sieve_call *call)
{
	const struct sieve_strings *names = &call->said.first;
	for (size_t i = 0; i < names->count; i++) {
		unsigned bit = sieve_extension_find(names->items[i]);
		if (bit == 0)
			return sieve_wrong(c->problem, call->line, "the extension \"%.*s\" is not known here", shown(names->items[i]), names->items[i].data);
		c->extensions |= bit;
	}
	return true;
}

/* --- one call ------------------------------------------------------------------------------ */

static bool
check_tests(struct sieve_checking *c, const struct sieve_call *call)
{
	static const char *const wants[] = {
	    [TESTS_NONE] = "takes no test", [TESTS_ONE] = "takes one test", [TESTS_LIST] = "takes tests in parentheses"};
	enum sieve_tests found = call->tests == NULL ? TESTS_NONE : call->test_list ? TESTS_LIST : TESTS_ONE;
	return found == call->definition->tests ||
	    sieve_wrong(c->problem, call->line, "%s %s", call->definition->name, wants[call->definition->tests]);
}

static bool
check_block(struct sieve_checking *c, const struct sieve_call *call)
{
	if (call->has_block == call->definition->block)
		return true;
	return sieve_wrong(c->problem, call->line, call->has_block ? "%s takes no block" : "%s needs a block", call->definition->name);
}

static bool
check_required(struct sieve_checking *c, const struct sieve_call *call)
{
	unsigned wanted = call->definition->extensions;
	return wanted == 0 || (wanted & c->extensions) != 0 ||
	    sieve_wrong(c->problem, call->line, "%s needs: require \"%s\";", call->definition->name, sieve_extension_name(wanted));
}

static bool
check_call(struct sieve_checking *c, struct sieve_call *call)
{
	const struct sieve_definition *d = call->definition;
	return check_required(c, call) && sieve_arguments_read(c, call) && check_tests(c, call) && check_block(c, call) &&
	    (d->check == NULL || d->check(call, c->problem));
}

static bool
check_test(struct sieve_checking *c, struct sieve_call *call)
{
	call->definition = sieve_test_find(call->name);
	if (call->definition == NULL)
		return sieve_wrong(c->problem, call->line, "there is no test \"%.*s\"", shown(call->name), call->name.data);
	if (!check_call(c, call))
		return false;
	for (struct sieve_call *test = call->tests; test != NULL; test = test->next)
		if (!check_test(c, test))
			return false;
	return true;
}

/* --- commands ---------------------------------------------------------------------------------- */

static bool
is(const struct sieve_call *call, const char *name)
{
	return call != NULL && strcmp(call->definition->name, name) == 0;
}

/* require comes first, elsif and else behind if or elsif. */
static bool
check_place(struct sieve_checking *c, const struct sieve_call *call, const struct sieve_call *before, bool inner)
{
	if (is(call, "require") && (inner || (before != NULL && !is(before, "require"))))
		return sieve_wrong(c->problem, call->line, "require must stand before all other commands");
	if ((is(call, "elsif") || is(call, "else")) && !is(before, "if") && !is(before, "elsif"))
		return sieve_wrong(c->problem, call->line, "%s must stand behind if or elsif", call->definition->name);
	return true;
}

static bool check_commands(struct sieve_checking *c, struct sieve_call *first, bool inner);

static bool
check_command(struct sieve_checking *c, struct sieve_call *call, const struct sieve_call *before, bool inner)
{
	call->definition = sieve_command_find(call->name);
	if (call->definition == NULL)
		return sieve_wrong(c->problem, call->line, "there is no command \"%.*s\"", shown(call->name), call->name.data);
	if (!check_place(c, call, before, inner) || !check_call(c, call))
		return false;
	if (is(call, "require") && !require(c, call))
		return false;
	for (struct sieve_call *test = call->tests; test != NULL; test = test->next)
		if (!check_test(c, test))
			return false;
	return check_commands(c, call->block, true);
}

static bool
check_commands(struct sieve_checking *c, struct sieve_call *first, bool inner)
{
	const struct sieve_call *before = NULL;
	for (struct sieve_call *call = first; call != NULL; call = call->next) {
		if (!check_command(c, call, before, inner))
			return false;
		before = call;
	}
	return true;
}

bool
sieve_check(struct sieve_script *s, struct sieve_memory *memory, struct sieve_problem *problem)
{
	struct sieve_checking c = {.memory = memory, .problem = problem};
	bool ok = check_commands(&c, s->commands, false);
	s->extensions = c.extensions;
	return ok;
}

bool
sieve_compile(struct sieve_script *s, struct slice text, struct sieve_memory *memory, struct sieve_problem *problem)
{
	return sieve_parse(s, text, memory, problem) && sieve_check(s, memory, problem);
}
