#include "deliver/forward.h"

#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/ipc/submit.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/line_ends.h"
#include "lib/store/duplicates.h"

#define KEYS_MOST 4

static struct submission submission;

/* What a message needs of those who carry it. */
struct form {
	bool eight_bit, utf8; /* in the text; in the header or an address (RFC 6152, RFC 6531) */
};

static void
gather_keys(const char *keys[KEYS_MOST], const char *origin, const struct form *f)
{
	size_t count = 0;
	keys[count++] = origin;
	if (f->eight_bit)
		keys[count++] = "body=8BITMIME";
	if (f->utf8)
		keys[count++] = "smtputf8=1";
	keys[count] = NULL;
}

static struct outcome
not_taken(const struct under_way *u, const struct outcome *o, const char *event, const char *what)
{
	log_warning(event, log_text("to", u->what.address), log_text("code", o->code), log_text("reason", o->text));
	/* Whatever the queue says of it: the message is here, and stays until it is taken. */
	return outcome_make("4.3.0", "the %s was not taken by the queue: %s", what, o->text);
}

/* --- the message to others -------------------------------------------------------------------------- */

/* Reads all of it once. Its header is in the first part, but for a very long one. */
static bool
look_at_form(struct deliverer *d, const struct under_way *u, const char *sender, const char *target, struct form *f)
{
	if (!source_begin(&d->source, u->what.message, false, u->what.offset, u->what.length))
		return false;
	struct slice header = slice_first(d->source.part, header_end(d->source.part));
	f->utf8 = !address_is_ascii(header) || !address_is_ascii(slice_of(sender)) || !address_is_ascii(slice_of(target));
	f->eight_bit = f->utf8;
	do
		f->eight_bit = f->eight_bit || !address_is_ascii(d->source.part);
	while (source_next(&d->source));
	return errno == 0;
}

/* In the Maildir's form or the network's: it goes on with CRLF. */
static bool
send_text(struct deliverer *d, const struct under_way *u)
{
	struct line_ends ends = {.normalize = true};
	if (!source_begin(&d->source, u->what.message, false, u->what.offset, u->what.length))
		return false;
	do {
		struct slice in = d->source.part, run;
		while ((run = line_ends_run(&ends, &in)).len > 0)
			submit_data(&submission, run);
	} while (source_next(&d->source));
	int error = errno;
	submit_data(&submission, line_ends_finish(&ends));
	errno = error;
	return error == 0;
}

static struct outcome
redirect_as(struct deliverer *d, const struct under_way *u, const char *sender, const char *target)
{
	const char *keys[KEYS_MOST];
	struct form form;
	struct str mark = STR_MOST(1000);
	if (!look_at_form(d, u, sender, target, &form))
		return outcome_make("4.3.0", "the message cannot be read");
	gather_keys(keys, "origin=redirect", &form);
	str_append_format(&mark, REDIRECTED_FROM ": %s\r\n", u->what.address);
	submit_begin(&submission);
	submit_mail(&submission, slice_of(sender), keys);
	submit_rcpt(&submission, slice_of(target));
	submit_open(&submission);
	submit_data(&submission, str_slice(&mark));
	/* Who leaves before the commit has sent nothing. */
	struct outcome o = send_text(d, u) ? submit_commit(&submission) : outcome_make("4.3.0", "the message cannot be read");
	submit_end(&submission);
	str_free(&mark);
	return o;
}

static struct outcome
redirect(struct deliverer *d, const struct under_way *u, const char *target)
{
	struct str sender = STR_MOST(ADDRESS_PATH_MOST);
	struct outcome o = mailbox_forward(&d->authd, target, u->what.sender, &sender);
	if (outcome_is_done(&o))
		o = redirect_as(d, u, str_text(&sender), target);
	if (outcome_is_done(&o))
		log_info("redirected", log_text("from", u->what.address), log_text("to", target), log_text("sender", str_text(&sender)),
		    log_text("as", submission.id));
	str_free(&sender);
	return o;
}

/* --- an answer to the sender --------------------------------------------------------------------------- */

/* With the null sender, so that nothing answers it (RFC 5230 section 5.1). */
static struct outcome
submit_answer(const struct under_way *u, struct slice text, const char *origin)
{
	const char *keys[KEYS_MOST];
	struct slice header = slice_first(text, header_end(text));
	const struct form form = {.eight_bit = !address_is_ascii(text), .utf8 = !address_is_ascii(header) || !address_is_ascii(slice_of(u->what.sender))};
	gather_keys(keys, origin, &form);
	submit_begin(&submission);
	submit_mail(&submission, slice_of(""), keys);
	submit_rcpt(&submission, slice_of(u->what.sender));
	submit_open(&submission);
	submit_data(&submission, text);
	struct outcome o = submit_commit(&submission);
	submit_end(&submission);
	return o;
}

static void
answer(const struct under_way *u, const struct plan *p)
{
	if (u->what.sender[0] == '\0' || duplicates_known(&u->maildir, VACATION_FILE, p->mark, p->window))
		return;
	struct outcome o = submit_answer(u, slice_make(p->answer, p->answer_len), "origin=vacation");
	if (!outcome_is_done(&o))
		log_warning("vacation-not-sent", log_text("from", u->what.address), log_text("to", u->what.sender), log_text("reason", o.text));
	else if (!duplicates_add(&u->maildir, VACATION_FILE, p->mark))
		log_warning("vacation-not-noted", log_text("from", u->what.address), log_errno());
	if (outcome_is_done(&o))
		log_info("answered", log_text("from", u->what.address), log_text("to", u->what.sender), log_text("as", submission.id));
}

struct outcome
forward_all(struct deliverer *d, const struct under_way *u, const struct plan *p)
{
	for (size_t i = 0; i < p->redirect_count; i++) {
		struct outcome o = redirect(d, u, p->redirects[i]);
		if (!outcome_is_done(&o))
			return not_taken(u, &o, "redirect-deferred", "redirect");
	}
	if (p->answer != NULL)
		answer(u, p);
	return outcome_done();
}

struct outcome
forward_refusal(const struct under_way *u, const struct plan *p)
{
	struct outcome o = submit_answer(u, slice_make(p->answer, p->answer_len), "origin=reject");
	if (!outcome_is_done(&o))
		return not_taken(u, &o, "rejection-deferred", "notification");
	log_info("rejected", log_text("from", u->what.address), log_text("to", u->what.sender), log_text("as", submission.id));
	return outcome_done();
}
