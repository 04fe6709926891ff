#include "deliver/lmtp_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliver/lmtp_services.h"
#include "deliver/lmtp_session.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/mail/date.h"

#define RECEIVED_MOST 2048

/* --- into the file --------------------------------------------------------------------- */

static void
write_out(struct lmtp_session *s)
{
	struct lmtp_text *t = &s->text;
	if (t->error == 0 && !file_write_all(s->services.spool, t->buffer, t->used))
		t->error = errno;
	t->used = 0;
}

static void
put(struct lmtp_session *s, struct slice run)
{
	struct lmtp_text *t = &s->text;
	t->size += run.len;
	while (run.len > 0 && t->error == 0 && t->size <= s->config->message_size) {
		struct slice part = slice_first(run, sizeof t->buffer - t->used);
		memcpy(t->buffer + t->used, part.data, part.len);
		t->used += part.len;
		run = slice_from(run, part.len);
		if (t->used == sizeof t->buffer)
			write_out(s);
	}
}

/* RFC 5321 section 4.4; the protocol's name is of RFC 3848 or, with SMTPUTF8, of RFC 6531 section 4.3. */
static void
put_received(struct lmtp_session *s)
{
	struct str line = STR_MOST(RECEIVED_MOST);
	str_append_format(&line, "Received: from %s\r\n\tby %s (Postern) with %s id %s;\r\n\t", s->client, s->config->hostname,
	    s->smtputf8 ? "UTF8LMTP" : "LMTP", s->message_id);
	date_print(&line, (struct date){.when = clock_unix(), .zone = 0});
	str_append_text(&line, "\r\n");
	put(s, str_slice(&line));
	str_free(&line);
}

void
lmtp_text_begin(struct lmtp_session *s, bool judged)
{
	struct lmtp_text *t = &s->text;
	memset(t, 0, offsetof(struct lmtp_text, buffer));
	t->begun = true;
	t->passes = judged && !s->config->normalize;
	t->ends.normalize = s->config->normalize;
	snprintf(s->message_id, sizeof s->message_id, "%s.%llu", s->id, (unsigned long long)++s->messages);
	if (lseek(s->services.spool, 0, SEEK_SET) < 0)
		t->error = errno;
	put_received(s);
}

void
lmtp_text_add(struct lmtp_session *s, struct slice bytes)
{
	struct lmtp_text *t = &s->text;
	if (t->passes)
		put(s, bytes);
	else
		for (struct slice run; (run = line_ends_run(&t->ends, &bytes)).len > 0;)
			put(s, run);
}

struct outcome
lmtp_text_judge(const struct lmtp_session *s)
{
	const struct lmtp_text *t = &s->text;
	if (t->bare || (t->ends.bare && !t->ends.normalize))
		return outcome_make("5.6.0", "Bare CR or LF in the message: lines end in CRLF");
	if (t->size > s->config->message_size)
		return outcome_make("5.3.4", "The message is larger than the limit");
	if (t->error == 0)
		return outcome_done();
	log_error("spool-failed", log_text("message", s->message_id), log_text("reason", strerror(t->error)),
	    log_text("hint", "is there room where lmtp_directory is?"));
	return t->error == ENOSPC || t->error == EDQUOT ? outcome_make("4.3.1", "No space left for mail")
	                                                : outcome_make("4.3.0", "The message cannot be stored");
}

/* --- to the recipients ----------------------------------------------------------------- */

static void
answer(struct lmtp_session *s, const char *address, const struct outcome *o)
{
	if (outcome_is_done(o))
		s->delivered++;
	log_info(outcome_word(o), log_text("message", s->message_id), log_slice("from", str_slice(&s->sender)), log_text("to", address),
	    log_number("size", (int64_t)s->text.size), log_text("code", o->code), log_text("reason", o->text));
	lmtp_reply_outcome(s, o, address);
}

/* The worker has several at a time, since it delivers those together. */
static void
deliver_to_all(struct lmtp_session *s)
{
	struct slice waiting = str_slice(&s->recipients), under_way = waiting, address;
	size_t count = 0;
	while (slice_split(&under_way, '\0', &address)) {
		for (struct slice next; count < LMTP_AHEAD && slice_split(&waiting, '\0', &next); count++)
			lmtp_deliver(s, next.data, s->text.size);
		struct outcome o = lmtp_delivered(s);
		count--;
		answer(s, address.data, &o);
	}
}

static void
refuse_to_all(struct lmtp_session *s, const struct outcome *why)
{
	struct slice rest = str_slice(&s->recipients), address;
	while (slice_split(&rest, '\0', &address))
		answer(s, address.data, why);
}

void
lmtp_text_end(struct lmtp_session *s)
{
	if (!s->text.passes)
		put(s, line_ends_finish(&s->text.ends));
	write_out(s);
	struct outcome o = lmtp_text_judge(s);
	if (outcome_is_done(&o))
		deliver_to_all(s);
	else
		refuse_to_all(s, &o);
	lmtp_reset(s);
}

void
lmtp_text_lost(struct lmtp_session *s)
{
	log_info("message-lost", log_text("message", s->message_id), log_slice("from", str_slice(&s->sender)), log_text("reason", s->end));
	s->text.begun = false;
}
