#include "lib/filter/policy.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/number.h"

#define LINE_MOST  4096
#define LINES_MOST 100

void
policy_begin(struct policy *p, int fd, int patience)
{
	p->trouble = NULL;
	p->patience = patience;
	input_open(&p->in, fd, patience);
	output_open(&p->out, fd, patience);
}

void
policy_add(struct policy *p, const char *name, struct slice value)
{
	output_text(&p->out, name);
	output_text(&p->out, "=");
	for (size_t i = 0; i < value.len; i++) {
		char c = value.data[i];
		output_write(&p->out, c != '\n' && c != '\r' && c != '\0' ? &c : "?", 1);
	}
	output_text(&p->out, "\n");
}

static enum policy_word
broken(struct policy *p, const char *why)
{
	if (p->trouble == NULL)
		p->trouble = why;
	return POLICY_BROKEN;
}

/* --- actions --------------------------------------------------------------------- */

enum rest { REST_NONE, REST_TEXT, REST_ANSWER };

static const struct {
	const char      *name;
	enum policy_word word;
	enum rest        rest;
	unsigned         code; /* of an answer */
	const char      *text; /* when the server says none */
} actions[] = {
	{"DUNNO", POLICY_DUNNO, REST_NONE, 0, ""},
	{"OK", POLICY_OK, REST_NONE, 0, ""},
	{"PERMIT", POLICY_OK, REST_NONE, 0, ""},
	{"REJECT", POLICY_REFUSE, REST_ANSWER, 554, "Access denied"},
	{"DEFER", POLICY_REFUSE, REST_ANSWER, 450, "Service unavailable - try again later"},
	{"DEFER_IF_PERMIT", POLICY_DEFER_IF_PERMIT, REST_ANSWER, 450, "Service unavailable - try again later"},
	{"DEFER_IF_REJECT", POLICY_DEFER_IF_REJECT, REST_ANSWER, 450, "Service unavailable - try again later"},
	{"HOLD", POLICY_HOLD, REST_TEXT, 0, "a policy server says so"},
	{"DISCARD", POLICY_DISCARD, REST_TEXT, 0, "a policy server says so"},
	{"PREPEND", POLICY_PREPEND, REST_TEXT, 0, ""},
	{"WARN", POLICY_WARN, REST_TEXT, 0, ""},
	{"INFO", POLICY_WARN, REST_TEXT, 0, ""},
};

static enum policy_word
set_text(struct policy_action *a, enum policy_word word, struct slice text)
{
	size_t len = text.len < sizeof a->text - 1 ? text.len : sizeof a->text - 1;
	for (size_t i = 0; i < len; i++)
		a->text[i] = text.data[i] >= ' ' && text.data[i] != 0x7f ? text.data[i] : '?';
	a->text[len] = '\0';
	return a->word = word;
}

static enum policy_word
set_answer(struct policy_action *a, enum policy_word word, unsigned code, struct slice text)
{
	filter_answer_set(&a->answer, code, "", text);
	return a->word = word;
}

/* "Header: value": what is no field must not come into a message. */
static bool
is_field(struct slice text)
{
	size_t colon = slice_find(text, ':');
	for (size_t i = 0; i < colon; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return colon > 0 && colon < text.len;
}

/* "450 text": the number; 0 when it does not begin with one of 400 to 599. Numbers below mean OK in access(5), but not here. */
static unsigned
code_of(struct slice word)
{
	uint64_t code;
	return word.len == 3 && number_parse(word, 599, &code) && code >= 400 ? (unsigned)code : 0;
}

enum policy_word
policy_parse(struct policy_action *a, struct slice action)
{
	size_t space = slice_find(action, ' ');
	struct slice word = slice_first(action, space), rest = slice_trim(slice_from(action, space));
	a->text[0] = a->answer.text[0] = '\0';
	if (code_of(word) != 0)
		return set_answer(a, POLICY_REFUSE, code_of(word), rest.len > 0 ? rest : slice_of("Access denied"));
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (!slice_is_nocase(word, actions[i].name))
			continue;
		if (rest.len == 0)
			rest = slice_of(actions[i].text);
		if (actions[i].rest == REST_ANSWER)
			return set_answer(a, actions[i].word, actions[i].code, rest);
		if (actions[i].word == POLICY_PREPEND && (!is_field(rest) || rest.len >= sizeof a->text))
			break;
		return set_text(a, actions[i].word, rest);
	}
	return set_text(a, POLICY_UNSUPPORTED, action);
}

/* --- the exchange ------------------------------------------------------------------- */

static enum policy_word
read_answer(struct policy *p, struct policy_action *a)
{
	static const char *const why[] = {[INPUT_END] = "it closed the connection", [INPUT_TIMEOUT] = "no answer in time",
	    [INPUT_ERROR] = "the connection broke", [INPUT_TOO_LONG] = "its line is too long"};
	int64_t deadline = clock_ms() + p->patience;
	enum policy_word word = POLICY_BROKEN;
	for (int lines = 0; lines < LINES_MOST; lines++) {
		struct slice line;
		p->in.timeout = clock_poll_timeout(deadline);
		enum input_result r = input_line(&p->in, LINE_MOST, &line);
		if (r != INPUT_OK)
			return broken(p, why[r]);
		line.len--;
		if (slice_ends(line, "\r"))
			line.len--;
		if (line.len == 0)
			return word != POLICY_BROKEN ? word : broken(p, "its answer holds no action");
		if (slice_starts_nocase(line, "action=") && word == POLICY_BROKEN)
			word = policy_parse(a, slice_trim(slice_from(line, 7)));
	}
	return broken(p, "its answer has no end");
}

enum policy_word
policy_ask(struct policy *p, struct policy_action *a)
{
	output_text(&p->out, "\n");
	if (p->trouble != NULL)
		return POLICY_BROKEN;
	/* What came behind the answer before (one more empty line, of some servers) is no answer to this. */
	input_take(&p->in, input_buffered(&p->in).len);
	if (!output_flush(&p->out))
		return broken(p, "the connection broke");
	return read_answer(p, a);
}
