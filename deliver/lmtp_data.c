/*
 * DATA of LMTP (RFC 2033 section 4.2): the message goes into a file without a
 * name, then to one recipient after the other; each gets an answer of his own,
 * and "250" only for what is durable in his Maildir.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliver/lmtp_services.h"
#include "deliver/lmtp_session.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/mail/date.h"
#include "lib/mail/dotreader.h"

#define RECEIVED_MOST 2048

struct text {
	struct dotreader dots;
	uint64_t         size;    /* bytes of the file, our Received: line too */
	bool             failed;  /* a write failed: the rest is read and thrown away */
	int              error;
	size_t           used;
	char             buffer[32768];
};

static void
write_out(struct lmtp_session *s, struct text *t)
{
	if (!t->failed && !file_write_all(s->services.spool, t->buffer, t->used)) {
		t->failed = true;
		t->error = errno;
	}
	t->used = 0;
}

static void
add(struct lmtp_session *s, struct text *t, struct slice run)
{
	t->size += run.len;
	while (run.len > 0 && !t->failed && t->size <= s->config->message_size) {
		struct slice part = slice_first(run, sizeof t->buffer - t->used);
		memcpy(t->buffer + t->used, part.data, part.len);
		t->used += part.len;
		run = slice_from(run, part.len);
		if (t->used == sizeof t->buffer)
			write_out(s, t);
	}
}

/* The file is used again for each message: LENGTH tells the worker where this one ends. */
static void
add_received(struct lmtp_session *s, struct text *t)
{
	struct str line = STR_MOST(RECEIVED_MOST);
	if (lseek(s->services.spool, 0, SEEK_SET) < 0) {
		t->failed = true;
		t->error = errno;
	}
	str_append_format(&line, "Received: from %s\r\n\tby %s (Postern) with LMTP id %s;\r\n\t", s->client,
	    s->config->hostname, s->message_id);
	date_print(&line, (struct date){.when = clock_unix(), .zone = 0});
	str_append_text(&line, "\r\n");
	add(s, t, str_slice(&line));
	str_free(&line);
}

/* Reads to the end of the text. False when the client went away before it. */
static bool
take_text(struct lmtp_session *s, struct text *t)
{
	while (!dotreader_ended(&t->dots)) {
		struct slice have = input_buffered(&s->in);
		struct slice left = have;
		for (struct slice run; (run = dotreader_run(&t->dots, &left)).len > 0;)
			add(s, t, run);
		input_take(&s->in, have.len - left.len);
		if (dotreader_ended(&t->dots))
			break;
		enum input_result r = input_fill(&s->in);
		if (r != INPUT_OK) {
			lmtp_gone(s, r);
			return false;
		}
	}
	write_out(s, t);
	return true;
}

/* What is wrong with the text for all recipients, or done. */
static struct outcome
judge(const struct lmtp_session *s, const struct text *t)
{
	if (t->dots.bare)
		return outcome_make("5.6.0", "Bare CR or LF in the message: lines end in CRLF");
	if (t->size > s->config->message_size)
		return outcome_make("5.3.4", "The message is larger than the limit");
	if (!t->failed)
		return outcome_done();
	log_error("spool-failed", log_text("message", s->message_id), log_text("reason", strerror(t->error)),
	    log_text("hint", "is there room where lmtp_directory is?"));
	return t->error == ENOSPC || t->error == EDQUOT ? outcome_make("4.3.1", "No space left for mail")
	                                                : outcome_make("4.3.0", "The message cannot be stored");
}

static void
deliver_to(struct lmtp_session *s, const char *address, const struct text *t, const struct outcome *verdict)
{
	struct outcome o = *verdict;
	if (outcome_is_done(&o))
		o = lmtp_deliver(s, address, t->size);
	if (outcome_is_done(&o))
		s->delivered++;
	log_info(outcome_word(&o), log_text("message", s->message_id), log_slice("from", str_slice(&s->sender)),
	    log_text("to", address), log_number("size", (int64_t)t->size),
	    log_text("code", o.code), log_text("reason", o.text));
	lmtp_reply_outcome(s, &o, address);
}

void
lmtp_data(struct lmtp_session *s)
{
	static struct text t;
	t = (struct text){.dots = DOTREADER_START};
	snprintf(s->message_id, sizeof s->message_id, "%s.%llu", s->id, (unsigned long long)++s->messages);
	lmtp_reply(s, 354, NULL, "End with <CRLF>.<CRLF>");
	add_received(s, &t);
	if (!take_text(s, &t)) {
		log_info("message-lost", log_text("message", s->message_id), log_slice("from", str_slice(&s->sender)),
		    log_text("reason", s->end));
		return;
	}
	struct outcome verdict = judge(s, &t);
	struct slice rest = str_slice(&s->recipients), address;
	while (slice_split(&rest, '\0', &address))
		deliver_to(s, address.data, &t, &verdict);
	lmtp_reset(s);
}
