#include "imapd/append.h"

#include <unistd.h>

#include "imapd/namespace.h"

bool
append_refuse(struct append *a, struct answer answer)
{
	a->answer = answer;
	return false;
}

static bool
broken(struct append *a)
{
	return append_refuse(a, answer_bad(a->p.error));
}

/* --- which literals are streamed -------------------------------------------------- */

/* The literal of an URL is held in memory as any other name: "(URL {40}". */
static bool
is_of_url(struct slice so_far)
{
	struct slice before = slice_first(so_far, slice_find_last(so_far, '{'));
	static const char *const ends[] = {" URL ", "(URL "};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (before.len >= 5 && slice_equal_nocase(slice_from(before, before.len - 5), slice_of(ends[i])))
			return true;
	return false;
}

bool
session_streams_on(struct slice so_far)
{
	return !is_of_url(so_far);
}

bool
append_parse_folder(struct parser *p, struct slice *name)
{
	return parse_space(p) && namespace_take(p, name) && parse_space(p);
}

/* "APPEND folder " or "[UID ]REPLACE number folder " */
static bool
parse_head(struct parser *p)
{
	struct slice word;
	if (!parse_tag(p, &word) || !parse_space(p))
		return false;
	if (parse_word(p, "APPEND"))
		return append_parse_folder(p, &word);
	if (parse_word(p, "UID") && !parse_space(p))
		return false;
	/* The number may be "*", which is a wildcard elsewhere. */
	return parse_word(p, "REPLACE") && parse_space(p) && parse_list_mailbox(p, &word) && append_parse_folder(p, &word);
}

bool
session_streams(struct slice so_far)
{
	struct scratch scratch = SCRATCH_MOST(SESSION_COMMAND_MOST * 2);
	struct parser p = parser_over(so_far, &scratch);
	bool streams = parse_head(&p) && session_streams_on(so_far);
	scratch_clear(&scratch);
	return streams;
}

/* --- literals --------------------------------------------------------------------- */

static void
forget(void *context, struct slice bytes)
{
	(void)context;
	(void)bytes;
}

/* Takes the literal off the wire. False: the client is gone. */
static bool
stream_literal(struct session *s, struct transfer_taker taker)
{
	uint64_t left = s->gather.literal.size;
	s->gather.streaming = false;
	while (left > 0) {
		struct slice bytes;
		if (input_some(&s->in, left, &bytes) != INPUT_OK) {
			s->done = true;
			return false;
		}
		taker.take(taker.context, bytes);
		left -= bytes.len;
	}
	return true;
}

/* Gathers what follows. False: the command can go no further. */
static bool
gather_on(struct session *s)
{
	switch (gather_rest(&s->gather)) {
	case GATHER_OK:
	case GATHER_STREAM:
		return true;
	case GATHER_TOO_LONG:
		session_bye(s, "the command is too long");
		return false;
	case GATHER_TOO_BIG:
		return false;
	default:
		s->done = true;
		return false;
	}
}

void
session_drain(struct session *s)
{
	/* The tag lies in the text that will be replaced. */
	if (s->gather.streaming && s->gather.literal.unasked)
		s->tag = slice_of(scratch_copy(&s->scratch, s->tag));
	while (s->gather.streaming && s->gather.literal.unasked && !s->done) {
		if (s->gather.literal.size > s->append_most) {
			session_bye(s, "[TOOBIG] the message is too large");
			return;
		}
		if (!stream_literal(s, (struct transfer_taker){forget, NULL}) || !gather_on(s))
			return;
	}
}

/* A literal, which the gathered text ends with, goes to the message; then the parser stands behind it. */
static bool
take_literal(struct append *a, bool whole)
{
	struct session *s = a->session;
	bool eight;
	if (!parse_streamed_literal(&a->p, &eight) || !s->gather.streaming) {
		parse_fail(&a->p, "a literal is missing");
		return broken(a);
	}
	if (whole && s->gather.literal.size == 0)
		return append_refuse(a, answer_no("CANNOT", "the message is empty"));
	if (!append_expect(a, s->gather.literal.size) || (whole && eight && !append_expect_eight(a)))
		return false;
	a->eight = eight && !whole;
	gather_invite(&s->gather);
	if (!stream_literal(s, (struct transfer_taker){append_take, a}))
		return append_refuse(a, (struct answer){.status = ANSWER_NONE});
	if (!gather_on(s))
		return append_refuse(a, answer_bad("the literal is too large for this command"));
	a->p = parser_over(str_slice(&s->gather.text), &s->scratch);
	return true;
}

/* --- messages --------------------------------------------------------------------- */

/* SP "(" literal8 ")" behind UTF8 (RFC 6855 section 4) */
static bool
take_utf8(struct append *a, bool whole)
{
	if (!parse_space(&a->p) || !parse_byte(&a->p, '('))
		return broken(a);
	return take_literal(a, whole) && (parse_byte(&a->p, ')') || broken(a));
}

/* RFC 4469: "TEXT" SP literal | "URL" SP astring; RFC 6855 section 4: "UTF8" SP "(" literal8 ")" */
static bool
take_part(struct append *a)
{
	struct slice url;
	if (parse_word(&a->p, "TEXT"))
		return (parse_space(&a->p) || broken(a)) && take_literal(a, false);
	if (parse_word(&a->p, "UTF8"))
		return take_utf8(a, false);
	if (!parse_word(&a->p, "URL"))
		parse_fail(&a->p, "TEXT or URL is missing");
	if (a->p.error != NULL || !parse_space(&a->p) || !parse_astring(&a->p, &url))
		return broken(a);
	return append_url(a, url);
}

static bool
take_parts(struct append *a)
{
	if (!parse_space(&a->p) || !parse_byte(&a->p, '('))
		return broken(a);
	do {
		if (!take_part(a))
			return false;
	} while (parse_maybe(&a->p, ' '));
	return parse_byte(&a->p, ')') || broken(a);
}

/* literal | literal8 | "UTF8" ... | "CATENATE" ... */
static bool
take_data(struct append *a)
{
	if (parse_word(&a->p, "CATENATE"))
		return take_parts(a);
	return parse_word(&a->p, "UTF8") ? take_utf8(a, true) : take_literal(a, true);
}

/* [SP flags] [SP date] SP data, the first space of which was taken */
static bool
take_message(struct append *a)
{
	struct slice names[FLAGS_MOST];
	size_t count = 0;
	struct date date = {.when = 0};
	struct parser *p = &a->p;
	if (cursor_peek(&p->c) == '(' && !(parse_flag_list(p, false, names, FLAGS_MOST, &count) && parse_space(p)))
		return broken(a);
	if (cursor_peek(&p->c) == '"' && !(parse_date_time(p, &date) && parse_space(p)))
		return broken(a);
	if (!append_begin_message(a, names, count, date.when))
		return false;
	return take_data(a) && append_end_message(a);
}

bool
append_run(struct append *a, struct parser *p, const char **code)
{
	a->p = *p;
	a->spool = a->body.fd = -1;
	/* The tag and the name lie in the text that the rest of the command will replace. */
	a->session->tag = slice_of(scratch_copy(&a->session->scratch, a->session->tag));
	a->name = slice_of(scratch_copy(&a->session->scratch, a->name));
	do {
		if (!take_message(a))
			return false;
	} while (!a->single && parse_maybe(&a->p, ' '));
	if (!parse_end(&a->p))
		return broken(a);
	return append_finish(a, code);
}

void
append_end(struct append *a)
{
	if (a->begun) {
		save_abort(&append_save);
		save_group_abort(&a->group);
	}
	if (a->spool >= 0)
		close(a->spool);
	append_close_source(a);
	if (a->to == &a->own)
		folder_close(&a->own);
}
