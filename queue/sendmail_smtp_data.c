/* The message of `sendmail -bs`: read as a whole, then handed to the queue with what its header lacks. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/mail/dotreader.h"
#include "queue/sendmail_dialogue.h"
#include "queue/sendmail_spool.h"

/* Reads to the end of the message whatever becomes of it. False: the input ended before. */
static bool
read_message(struct dialogue *d, struct spool *spool, struct outcome *o)
{
	struct dotreader reader = DOTREADER_START;
	while (!dotreader_ended(&reader)) {
		struct slice run;
		if (input_buffered(&d->in).len == 0 && input_fill(&d->in) != INPUT_OK)
			return false;
		struct slice bytes = input_buffered(&d->in);
		size_t had = bytes.len;
		while ((run = dotreader_run(&reader, &bytes)).len > 0) {
			if (outcome_is_done(o) && !spool_add(spool, run))
				*o = outcome_make("4.3.1", "the message cannot be kept");
			if (outcome_is_done(o) && spool->size > d->facts.message_size)
				*o = outcome_make("5.3.4", "the message is too large");
		}
		input_take(&d->in, had - bytes.len);
	}
	if (reader.bare && outcome_is_done(o))
		*o = outcome_make("5.6.0", "a line ends in a bare CR or LF");
	return true;
}

static void
send_recipients(struct dialogue *d)
{
	struct slice rest = str_slice(&d->accepted), address, notify, orcpt;
	while (slice_split(&rest, '\0', &address) && slice_split(&rest, '\0', &notify) && slice_split(&rest, '\0', &orcpt)) {
		const char *keys[3] = {NULL};
		size_t count = 0;
		if (notify.len > 0)
			keys[count++] = notify.data;
		if (orcpt.len > 0)
			keys[count] = orcpt.data;
		submit_rcpt_with(&d->submission, address, keys);
	}
}

static void
send_envelope(struct dialogue *d, const struct spool *spool)
{
	const struct mail_parameters *said = &d->said;
	char size[40], ret[16], envid[ENVID_MOST + 8];
	const char *keys[8] = {"protocol=local", size};
	size_t count = 2;
	snprintf(size, sizeof size, "size=%llu", (unsigned long long)spool->size);
	snprintf(ret, sizeof ret, "ret=%s", said->ret);
	snprintf(envid, sizeof envid, "envid=%s", said->envid);
	if (said->body == BODY_8BITMIME || spool->eight_bit)
		keys[count++] = "body=8BITMIME";
	if (said->smtputf8)
		keys[count++] = "smtputf8=1";
	if (said->ret[0] != '\0')
		keys[count++] = ret;
	if (said->envid[0] != '\0')
		keys[count++] = envid;
	submit_begin(&d->submission);
	submit_mail(&d->submission, address_text(&d->sender), keys);
	send_recipients(d);
	submit_open(&d->submission);
}

static struct outcome
submit_message(struct dialogue *d, struct spool *spool)
{
	struct slice header;
	if (!spool_header(spool, &header))
		return outcome_make("5.6.0", "the header is too long");
	send_envelope(d, spool);
	struct writer w = {.hostname = d->hostname, .sender = address_text(&d->sender), .full_name = "", .complete = true,
	    .protocol = d->facts.esmtp ? "ESMTP" : "SMTP", .queue_id = d->submission.id, .uid = (unsigned)getuid()};
	struct outcome o = spool_submit(spool, &w, &d->submission);
	submit_end(&d->submission);
	return o;
}

static void
answer_outcome(struct dialogue *d, const struct outcome *o)
{
	unsigned code = o->class == OUTCOME_TEMPORARY ? 451 : strcmp(o->code, "5.3.4") == 0 ? 552 : 554;
	if (outcome_is_done(o))
		output_format(&d->out, "250 2.0.0 OK, queued as %s\r\n", d->submission.id);
	else
		output_format(&d->out, "%u %s %s\r\n", code, o->code, o->text);
}

void
dialogue_data(struct dialogue *d, struct slice rest)
{
	(void)rest;
	if (d->recipients == 0) {
		output_text(&d->out, "503 5.5.1 RCPT first\r\n");
		return;
	}
	struct spool spool = SPOOL_START;
	struct outcome o = outcome_done();
	output_text(&d->out, "354 Go on, a dot alone ends it\r\n");
	output_flush(&d->out);
	d->over = !read_message(d, &spool, &o);
	if (!d->over) {
		if (outcome_is_done(&o))
			o = submit_message(d, &spool);
		answer_outcome(d, &o);
	}
	spool_end(&spool);
	dialogue_reset(d);
}
