#include "sieve/parser.h"

#include "sieve/lexer.h"

struct parser {
	struct sieve_lexer    lexer;
	struct sieve_token    token; /* the one that is looked at */
	struct sieve_memory  *memory;
	struct sieve_problem *problem;
	unsigned              depth, calls;
};

static bool
wrong(struct parser *p, const char *text)
{
	return sieve_wrong(p->problem, p->token.line, "%s", text);
}

static void *
take(struct parser *p, size_t size)
{
	void *memory = sieve_take(p->memory, size);
	if (memory == NULL)
		wrong(p, "the script is too large");
	return memory;
}

static bool
advance(struct parser *p)
{
	p->token = sieve_lexer_next(&p->lexer);
	return p->token.kind != TOKEN_WRONG;
}

static bool
is_sign(const struct parser *p, char sign)
{
	return p->token.kind == TOKEN_SIGN && p->token.sign == sign;
}

static bool
descend(struct parser *p)
{
	return ++p->depth <= SIEVE_NESTING_MOST || wrong(p, "blocks and tests are nested too deep");
}

/* --- arguments ------------------------------------------------------------------------ */

static bool
add_string(struct parser *p, struct sieve_strings *list, size_t *room)
{
	if (p->token.kind != TOKEN_STRING)
		return wrong(p, "a string is missing in a list");
	if (list->count == SIEVE_LIST_MOST)
		return wrong(p, "a list has too many strings");
	if (list->count == *room) {
		size_t more = *room == 0 ? 4 : *room * 2;
		struct slice *items = take(p, more * sizeof *items);
		if (items == NULL)
			return false;
		for (size_t i = 0; i < list->count; i++)
			items[i] = list->items[i];
		list->items = items;
		*room = more;
	}
	list->items[list->count++] = p->token.text;
	return advance(p);
}

/* Behind "[". */
static bool
parse_list(struct parser *p, struct sieve_argument *a)
{
	size_t room = 0;
	a->listed = true;
	if (!advance(p) || !add_string(p, &a->strings, &room))
		return false;
	while (is_sign(p, ','))
		if (!advance(p) || !add_string(p, &a->strings, &room))
			return false;
	if (!is_sign(p, ']'))
		return wrong(p, "a list of strings has a comma or its ] missing");
	return advance(p);
}

static bool
parse_argument(struct parser *p, struct sieve_argument *a)
{
	size_t room = 0;
	a->line = p->token.line;
	switch (p->token.kind) {
	case TOKEN_TAG:
		a->kind = ARGUMENT_TAG;
		a->tag = p->token.text;
		return advance(p);
	case TOKEN_NUMBER:
		a->kind = ARGUMENT_NUMBER;
		a->number = p->token.number;
		return advance(p);
	case TOKEN_STRING:
		return add_string(p, &a->strings, &room);
	default:
		return parse_list(p, a);
	}
}

static bool
parse_arguments(struct parser *p, struct sieve_call *call)
{
	struct sieve_argument **end = &call->arguments;
	while (p->token.kind == TOKEN_TAG || p->token.kind == TOKEN_NUMBER || p->token.kind == TOKEN_STRING || is_sign(p, '[')) {
		*end = take(p, sizeof **end);
		if (*end == NULL || !parse_argument(p, *end))
			return false;
		end = &(*end)->next;
	}
	return true;
}

/* --- commands and tests ----------------------------------------------------------------- */

static bool parse_call(struct parser *p, struct sieve_call **into);

/* Behind "(". */
static bool
parse_test_list(struct parser *p, struct sieve_call *call)
{
	struct sieve_call **end = &call->tests;
	call->test_list = true;
	do {
		if (!advance(p) || !parse_call(p, end))
			return false;
		end = &(*end)->next;
	} while (is_sign(p, ','));
	if (!is_sign(p, ')'))
		return wrong(p, "a list of tests has a comma or its ) missing");
	return advance(p);
}

static bool
parse_tests(struct parser *p, struct sieve_call *call)
{
	if (p->token.kind == TOKEN_WORD)
		return parse_call(p, &call->tests);
	return !is_sign(p, '(') || parse_test_list(p, call);
}

/* A word, its arguments and its tests: all of a test, and of a command what stands before its end. */
static bool
parse_call(struct parser *p, struct sieve_call **into)
{
	if (p->token.kind != TOKEN_WORD)
		return wrong(p, "a word is missing");
	if (++p->calls > SIEVE_CALLS_MOST)
		return wrong(p, "the script has too many commands and tests");
	struct sieve_call *call = take(p, sizeof *call);
	if (call == NULL || !descend(p))
		return false;
	call->name = p->token.text;
	call->line = p->token.line;
	*into = call;
	bool ok = advance(p) && parse_arguments(p, call) && parse_tests(p, call);
	p->depth--;
	return ok;
}

static bool parse_commands(struct parser *p, struct sieve_call **end);

static bool
parse_block(struct parser *p, struct sieve_call *call)
{
	call->has_block = true;
	if (!descend(p) || !advance(p) || !parse_commands(p, &call->block))
		return false;
	p->depth--;
	if (!is_sign(p, '}'))
		return sieve_wrong(p->problem, call->line, "the block that begins here has no end: a } is missing");
	return advance(p);
}

static bool
parse_command(struct parser *p, struct sieve_call **into)
{
	if (!parse_call(p, into))
		return false;
	if (is_sign(p, '{'))
		return parse_block(p, *into);
	if (!is_sign(p, ';'))
		return sieve_wrong(p->problem, (*into)->line, "behind %.*s a ; or a block is missing", (int)((*into)->name.len < 40 ? (*into)->name.len : 40), (*into)->name.data);
	return advance(p);
}

static bool
parse_commands(struct parser *p, struct sieve_call **end)
{
	while (p->token.kind == TOKEN_WORD) {
		if (!parse_command(p, end))
			return false;
		end = &(*end)->next;
	}
	return true;
}

bool
sieve_parse(struct sieve_script *s, struct slice text, struct sieve_memory *memory, struct sieve_problem *problem)
{
	struct parser p = {.memory = memory, .problem = problem};
	*s = (struct sieve_script){.commands = NULL};
	if (text.len > SIEVE_SCRIPT_MOST)
		return sieve_wrong(problem, 1, "the script has more than %u bytes", SIEVE_SCRIPT_MOST);
	sieve_lexer_begin(&p.lexer, text, memory, problem);
	if (!advance(&p) || !parse_commands(&p, &s->commands))
		return false;
	return p.token.kind == TOKEN_END || wrong(&p, "a command must begin with a word");
}
