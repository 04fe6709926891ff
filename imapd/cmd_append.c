/* APPEND: RFC 3501 section 6.3.11. The message goes from the wire to the store and is never whole in memory. */
#include "imapd/session.h"

#include <errno.h>
#include <stdio.h>

#include "imapd/flags.h"
#include "imapd/namespace.h"
#include "lib/base/log.h"
#include "lib/store/save.h"

struct append {
	struct slice  name;
	struct slice  names[FLAGS_MOST];
	size_t        count;
	struct date   date;
	struct folder own;   /* opened for this command */
	struct folder *to;   /* or the selected one */
};

static struct save save; /* one at a time; its buffer is no matter for the stack */

/* SP mailbox SP [flags SP] [date SP] literal */
static bool
parse_append(struct parser *p, struct append *a)
{
	if (!parse_space(p) || !namespace_take(p, &a->name) || !parse_space(p))
		return false;
	if (cursor_peek(&p->c) == '(' && !(parse_flag_list(p, false, a->names, FLAGS_MOST, &a->count) && parse_space(p)))
		return false;
	if (cursor_peek(&p->c) == '"' && !(parse_date_time(p, &a->date) && parse_space(p)))
		return false;
	return parse_streamed_literal(p);
}

bool
session_streams(struct slice so_far)
{
	struct scratch scratch = SCRATCH_MOST(SESSION_COMMAND_MOST * 2);
	struct parser p = parser_over(so_far, &scratch);
	struct append a = {.count = 0};
	struct slice word;
	bool streams = parse_tag(&p, &word) && parse_space(&p) && parse_word(&p, "APPEND") && parse_append(&p, &a);
	scratch_clear(&scratch);
	return streams;
}

/* Takes the literal off the wire; each part goes to the store unless `keep` is false. False: the client is gone. */
static bool
stream_literal(struct session *s, bool keep)
{
	uint64_t left = s->gather.literal.size;
	while (left > 0) {
		struct slice bytes;
		if (input_some(&s->in, left, &bytes) != INPUT_OK) {
			s->done = true;
			return false;
		}
		if (keep)
			save_write(&save, bytes.data, bytes.len);
		left -= bytes.len;
	}
	return true;
}

/*
 * A refusal before the message was taken. One that comes unasked is on its way
 * already: read and forgotten when it is of bearable size.
 */
static struct answer
refuse(struct session *s, struct answer answer)
{
	if (!s->gather.literal.unasked)
		return answer;
	if (s->gather.literal.size > s->append_most) {
		session_bye(s, "[TOOBIG] the message is too large");
		return answer;
	}
	if (stream_literal(s, false))
		gather_rest(&s->gather);
	return answer;
}

static bool
open_target(struct session *s, struct append *a)
{
	a->to = &s->view.folder;
	if (s->view.open && !s->view.folder.read_only && slice_equal(a->name, slice_of(s->view.name)))
		return true;
	a->to = &a->own;
	return folder_open(&a->own, &s->maildir, a->name, true);
}

static void
close_target(struct append *a)
{
	if (a->to == &a->own)
		folder_close(&a->own);
}

/* "APPENDUID validity uid", or NULL when it is not known. */
static const char *
appenduid(struct session *s, struct append *a, const struct flag_set *set)
{
	char code[64];
	struct folder_added added = {.base = save.name, .flags = set->flags, .keywords = set->keywords};
	uint32_t uidvalidity;
	if (!folder_number(a->to, &added, 1, &uidvalidity) || added.uid == 0)
		return NULL;
	s->view.news = true;
	snprintf(code, sizeof code, "APPENDUID %u %u", uidvalidity, added.uid);
	return scratch_copy(&s->scratch, slice_of(code));
}

/* The message is in tmp/: it becomes one of the folder when the command was whole. */
static struct answer
finish(struct session *s, struct append *a, const struct flag_set *set)
{
	enum gather_result r = gather_rest(&s->gather);
	if (r != GATHER_OK || s->gather.text.len > 0) {
		save_abort(&save);
		s->done = s->done || r != GATHER_OK;
		return answer_bad("there is more than the command takes");
	}
	save_complete(&save);
	if (!folder_number_begin(a->to)) {
		save_abort(&save);
		return answer_errno("append");
	}
	const struct quota_amount size = {save.size, 1}, none = {0, 0};
	if (!account_take(&s->account, a->name, size)) {
		save_abort(&save);
		return answer_over_quota();
	}
	bool saved = save_finish(&save, SAVE_CUR, set->flags, set->keywords, a->date.when);
	account_done(&s->account, a->name, saved ? none : size);
	if (!saved)
		return answer_errno("append");
	const char *code = appenduid(s, a, set);
	session_warn(s);
	return answer_ok_code(code, "appended");
}

/* A letter for a new keyword must be in no message's name. */
static bool
know_keywords(struct append *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (!slice_starts(a->names[i], "\\") && folder_keyword(a->to, a->names[i], false) < 0)
			return folder_refresh(a->to);
	return true;
}

static struct answer
append_to(struct session *s, struct append *a)
{
	struct flag_set set;
	const char *error = NULL;
	if (a->to == &a->own && !know_keywords(a))
		return refuse(s, answer_errno("append"));
	if (!flags_resolve(a->to, a->names, a->count, true, &set, &error))
		return refuse(s, answer_bad(error));
	/* In the Maildir it is smaller, by half at most: of each CRLF there is one byte. */
	if (!account_check(&s->account, a->name, (struct quota_amount){s->gather.literal.size / 2, 1}))
		return refuse(s, answer_over_quota());
	if (!save_begin(&save, a->to))
		return refuse(s, answer_errno("append"));
	gather_invite(&s->gather);
	if (!stream_literal(s, true)) {
		save_abort(&save);
		return (struct answer){.status = ANSWER_NONE};
	}
	return finish(s, a, &set);
}

struct answer
cmd_append(struct session *s, struct parser *p)
{
	struct append a = {.count = 0};
	if (!parse_append(p, &a))
		return answer_bad(p->error);
	/* The tag and the name lie in the text that the rest of the command will replace. */
	s->tag = slice_of(scratch_copy(&s->scratch, s->tag));
	a.name = slice_of(scratch_copy(&s->scratch, a.name));
	if (s->gather.literal.size > s->append_most)
		return refuse(s, answer_no("TOOBIG", "the message is too large"));
	if (s->gather.literal.size == 0)
		return refuse(s, answer_no("CANNOT", "the message is empty"));
	a.name = namespace_inward(a.name);
	if (!open_target(s, &a))
		return refuse(s, errno == ENOENT ? answer_no("TRYCREATE", "there is no such folder") : answer_errno("append"));
	struct answer answer = append_to(s, &a);
	close_target(&a);
	return answer;
}
