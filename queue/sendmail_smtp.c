#include "queue/sendmail_smtp.h"

#include <string.h>
#include <sysexits.h>

#include "lib/base/stream.h"
#include "lib/mail/address.h"
#include "lib/mail/dotreader.h"
#include "queue/submit.h"

#define TIMEOUT   300000 /* ms */
#define LINE_MOST 4096

struct dialogue {
	struct input      in;
	struct output     out;
	const char       *hostname;
	struct submission submission;
	bool              has_sender, over;
	struct address    sender;
	size_t            recipients;
	struct str        accepted; /* recipients, a NUL behind each */
};

struct verb {
	const char *name;
	void (*act)(struct dialogue *d, struct slice rest);
};

static void
reset(struct dialogue *d)
{
	d->has_sender = false;
	d->recipients = 0;
	str_clear(&d->accepted);
}

static void
do_hello(struct dialogue *d, struct slice rest)
{
	(void)rest;
	reset(d);
	output_format(&d->out, "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n", d->hostname);
}

/* "FROM:<a@b> ..." with `word` "FROM:" */
static bool
read_path(struct slice rest, const char *word, unsigned flags, struct address *a)
{
	struct slice parameters;
	if (!slice_starts_nocase(rest, word))
		return false;
	enum address_result r = address_parse_path(slice_from(rest, strlen(word)), flags, a, &parameters);
	return r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG;
}

static void
do_mail(struct dialogue *d, struct slice rest)
{
	if (d->has_sender)
		output_text(&d->out, "503 5.5.1 MAIL was said\r\n");
	else if (!read_path(rest, "FROM:", ADDRESS_UTF8 | ADDRESS_NULL | ADDRESS_LOOSE, &d->sender))
		output_text(&d->out, "501 5.1.7 This is no sender\r\n");
	else {
		d->has_sender = true;
		output_text(&d->out, "250 2.1.0 OK\r\n");
	}
}

static void
do_rcpt(struct dialogue *d, struct slice rest)
{
	struct address a;
	if (!d->has_sender)
		output_text(&d->out, "503 5.5.1 MAIL first\r\n");
	else if (!read_path(rest, "TO:", ADDRESS_UTF8 | ADDRESS_LOOSE, &a))
		output_text(&d->out, "501 5.1.3 This is no recipient\r\n");
	else if (!str_append(&d->accepted, a.text, a.text_len + 1))
		output_text(&d->out, "452 4.5.3 Too many recipients\r\n");
	else {
		d->recipients++;
		output_text(&d->out, "250 2.1.5 OK\r\n");
	}
}

/* Reads to the end of the message whatever becomes of it. False: the input ended before. */
static bool
read_message(struct dialogue *d, bool *bare)
{
	struct dotreader reader = DOTREADER_START;
	while (!dotreader_ended(&reader)) {
		struct slice bytes, run;
		if (input_buffered(&d->in).len == 0 && input_fill(&d->in) != INPUT_OK)
			return false;
		bytes = input_buffered(&d->in);
		size_t had = bytes.len;
		while ((run = dotreader_run(&reader, &bytes)).len > 0)
			if (!reader.bare)
				submit_data(&d->submission, run);
		input_take(&d->in, had - bytes.len);
	}
	*bare = reader.bare;
	return true;
}

static void
send_envelope(struct dialogue *d)
{
	struct slice rest = str_slice(&d->accepted), one;
	submit_begin(&d->submission);
	submit_mail(&d->submission, address_text(&d->sender), (const char *const[]){NULL});
	while (slice_split(&rest, '\0', &one))
		submit_rcpt(&d->submission, one);
	submit_open(&d->submission);
}

static void
answer_outcome(struct dialogue *d, const struct outcome *o)
{
	if (outcome_is_done(o))
		output_format(&d->out, "250 2.0.0 OK, queued as %s\r\n", d->submission.id);
	else
		output_format(&d->out, "%d %s %s\r\n", o->class == OUTCOME_TEMPORARY ? 451 : 554, o->code, o->text);
}

static void
do_data(struct dialogue *d, struct slice rest)
{
	(void)rest;
	if (d->recipients == 0) {
		output_text(&d->out, "503 5.5.1 RCPT first\r\n");
		return;
	}
	send_envelope(d);
	if (outcome_is_done(&d->submission.trouble)) {
		output_text(&d->out, "354 Go on, a dot alone ends it\r\n");
		output_flush(&d->out);
		bool bare = false;
		d->over = !read_message(d, &bare);
		if (bare)
			d->submission.trouble = outcome_make("5.6.0", "a line ends in a bare CR or LF");
		if (!d->over)
			submit_commit(&d->submission);
	}
	answer_outcome(d, &d->submission.trouble);
	submit_end(&d->submission);
	reset(d);
}

static void
do_rset(struct dialogue *d, struct slice rest)
{
	(void)rest;
	reset(d);
	output_text(&d->out, "250 2.0.0 OK\r\n");
}

static void
do_noop(struct dialogue *d, struct slice rest)
{
	(void)rest;
	output_text(&d->out, "250 2.0.0 OK\r\n");
}

static void
do_quit(struct dialogue *d, struct slice rest)
{
	(void)rest;
	d->over = true;
	output_text(&d->out, "221 2.0.0 Bye\r\n");
}

static const struct verb verbs[] = {
    {"EHLO", do_hello}, {"HELO", do_hello}, {"MAIL", do_mail}, {"RCPT", do_rcpt}, {"DATA", do_data},
    {"RSET", do_rset}, {"NOOP", do_noop}, {"QUIT", do_quit},
};

static void
obey(struct dialogue *d, struct slice line)
{
	size_t end = slice_find(line, ' ');
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (slice_is_nocase(slice_first(line, end), verbs[i].name)) {
			verbs[i].act(d, slice_trim(slice_from(line, end)));
			return;
		}
	output_text(&d->out, "500 5.5.1 Unknown command\r\n");
}

static void
flush_before_wait(void *context)
{
	output_flush(context);
}

int
sendmail_smtp(const char *hostname)
{
	static struct dialogue d;
	d.hostname = hostname;
	d.accepted = STR_MOST(1u << 20);
	input_open(&d.in, 0, TIMEOUT);
	output_open(&d.out, 1, TIMEOUT);
	d.in.before_wait = flush_before_wait;
	d.in.context = &d.out;
	output_format(&d.out, "220 %s ESMTP Postern\r\n", hostname);
	while (!d.over) {
		char copy[LINE_MOST + 1];
		struct slice line;
		if (input_line(&d.in, LINE_MOST, &line) != INPUT_OK)
			break;
		while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
			line.len--;
		/* The buffer moves when the message is read. */
		memcpy(copy, line.data, line.len);
		obey(&d, slice_make(copy, line.len));
	}
	str_free(&d.accepted);
	return output_flush(&d.out) ? EX_OK : EX_IOERR;
}
