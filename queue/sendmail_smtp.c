#include "queue/sendmail_smtp.h"

#include <string.h>
#include <sysexits.h>

#include "queue/sendmail_dialogue.h"

#define TIMEOUT       300000 /* ms */
#define LINE_MOST     4096
#define ENVELOPE_MOST (1u << 20)

struct verb {
	const char *name;
	void (*act)(struct dialogue *d, struct slice rest);
};

void
dialogue_reset(struct dialogue *d)
{
	d->has_sender = false;
	d->recipients = 0;
	str_clear(&d->accepted);
}

static void
do_helo(struct dialogue *d, struct slice rest)
{
	(void)rest;
	dialogue_reset(d);
	d->facts.esmtp = false;
	output_format(&d->out, "250 %s\r\n", d->hostname);
}

static void
do_ehlo(struct dialogue *d, struct slice rest)
{
	(void)rest;
	dialogue_reset(d);
	d->facts.esmtp = true;
	output_format(&d->out,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n",
	    d->hostname, (unsigned long long)d->facts.message_size);
}

/* --- the envelope ------------------------------------------------------------------------------- */

/* "FROM:<a@b> ..." with `word` "FROM:"; `*parameters` is what follows the path. */
static bool
read_path(struct slice rest, const char *word, unsigned flags, struct address *a, struct slice *parameters)
{
	if (!slice_starts_nocase(rest, word))
		return false;
	enum address_result r = address_parse_path(slice_from(rest, strlen(word)), flags, a, parameters);
	return r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG;
}

/* False: answered. */
static bool
is_fine(struct dialogue *d, struct parameter_problem problem)
{
	if (problem.text != NULL)
		output_format(&d->out, "%u %s %s\r\n", problem.code, problem.status, problem.text);
	return problem.text == NULL;
}

static void
do_mail(struct dialogue *d, struct slice rest)
{
	struct slice parameters;
	if (d->has_sender)
		output_text(&d->out, "503 5.5.1 MAIL was said\r\n");
	else if (!read_path(rest, "FROM:", ADDRESS_UTF8 | ADDRESS_NULL | ADDRESS_LOOSE, &d->sender, &parameters))
		output_text(&d->out, "501 5.1.7 This is no sender\r\n");
	else if (is_fine(d, mail_parameters_read(&d->said, parameters, &d->facts))) {
		d->has_sender = true;
		d->facts.smtputf8 = d->said.smtputf8;
		output_text(&d->out, "250 2.1.0 OK\r\n");
	}
}

static void
add_key(struct str *into, const char *key, const char *value)
{
	if (value[0] != '\0')
		str_append_format(into, "%s=%s", key, value);
	str_append(into, "", 1);
}

static bool
accept_recipient(struct dialogue *d, const struct address *a, const struct rcpt_parameters *said)
{
	size_t before = d->accepted.len;
	str_append(&d->accepted, a->text, a->text_len + 1);
	add_key(&d->accepted, "notify", said->notify);
	add_key(&d->accepted, "orcpt", said->orcpt);
	if (!d->accepted.failed)
		return true;
	/* What is there already stays. */
	d->accepted.failed = false;
	str_truncate(&d->accepted, before);
	return false;
}

static void
do_rcpt(struct dialogue *d, struct slice rest)
{
	struct address a;
	struct slice parameters;
	struct rcpt_parameters said;
	if (!d->has_sender)
		output_text(&d->out, "503 5.5.1 MAIL first\r\n");
	else if (!read_path(rest, "TO:", ADDRESS_UTF8 | ADDRESS_LOOSE | ADDRESS_POSTMASTER, &a, &parameters) ||
	    !address_complete(&a, d->hostname))
		output_text(&d->out, "501 5.1.3 This is no recipient\r\n");
	else if (!is_fine(d, rcpt_parameters_read(&said, parameters, &d->facts)))
		return;
	else if (!accept_recipient(d, &a, &said))
		output_text(&d->out, "452 4.5.3 Too many recipients\r\n");
	else {
		d->recipients++;
		output_text(&d->out, "250 2.1.5 OK\r\n");
	}
}

static void
do_vrfy(struct dialogue *d, struct slice rest)
{
	(void)rest;
	output_text(&d->out, "252 2.5.0 Send some mail, and see\r\n");
}

/* --- the rest ----------------------------------------------------------------------------------------- */

static void
do_rset(struct dialogue *d, struct slice rest)
{
	(void)rest;
	dialogue_reset(d);
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
    {"EHLO", do_ehlo}, {"HELO", do_helo}, {"MAIL", do_mail}, {"RCPT", do_rcpt}, {"DATA", dialogue_data},
    {"RSET", do_rset}, {"NOOP", do_noop}, {"VRFY", do_vrfy}, {"QUIT", do_quit},
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
sendmail_smtp(const char *hostname, uint64_t message_size)
{
	static struct dialogue d;
	d.hostname = hostname;
	d.facts.message_size = message_size;
	d.accepted = STR_MOST(ENVELOPE_MOST);
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
