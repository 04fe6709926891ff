#include "smtpd/filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "smtpd/filters_state.h"
#include "smtpd/reply.h"

/* --- refusing ------------------------------------------------------------------------ */

static void
refuse_with(struct filters *fs, struct slice by, const struct filter_answer *a, bool closes)
{
	fs->answer = *a;
	fs->by = by;
	fs->closes = closes;
}

void
filters_refuse_failed(struct filters *fs, struct slice by, enum filter_default otherwise)
{
	struct filter_answer a;
	if (otherwise == FILTER_REJECT)
		filter_answer_set(&a, 550, "5.7.1", slice_of("Service unavailable"));
	else
		filter_answer_set(&a, 451, "4.7.1", slice_of("Service unavailable - try again later"));
	refuse_with(fs, by, &a, false);
}

static void
log_refused(struct session *s, const char *command, struct slice about)
{
	const struct filters *fs = s->filters;
	s->counts.refused++;
	log_info("refused", log_text("command", command), log_slice("about", about),
	    session_fact("queue", s->envelope.queue_id), log_slice("from", str_slice(&s->envelope.sender)),
	    log_text("client", s->peer.text), log_number("code", fs->answer.code), log_text("status", fs->answer.status),
	    log_text("reason", fs->answer.text), log_slice("filter", fs->by));
}

static void
close_session(struct session *s)
{
	s->closing = true;
	s->end = "filter";
}

void
filters_answer(struct session *s, const char *command, struct slice about)
{
	const struct filter_answer *a = &s->filters->answer;
	struct slice rest = slice_of(a->text), line = slice_of("");
	char text[VERDICT_TEXT_MOST + 16];
	log_refused(s, command, about);
	slice_split(&rest, '\n', &line);
	for (; rest.len > 0; slice_split(&rest, '\n', &line)) {
		snprintf(text, sizeof text, "%s %.*s", a->status, (int)line.len, line.data);
		reply_part(s, a->code, text);
	}
	snprintf(text, sizeof text, "%.*s", (int)line.len, line.data != NULL ? line.data : "");
	reply(s, a->code, a->status, text);
	if (s->filters->closes)
		close_session(s);
}

struct outcome
filters_outcome(struct session *s)
{
	const struct filters *fs = s->filters;
	char line[VERDICT_TEXT_MOST];
	snprintf(line, sizeof line, "%s", fs->answer.text);
	for (char *lf; (lf = strchr(line, '\n')) != NULL;)
		*lf = ' ';
	log_info("filter-refused", log_slice("filter", fs->by), log_number("code", fs->answer.code));
	if (fs->closes)
		close_session(s);
	return outcome_make(fs->answer.status, "%s", line);
}

/* --- what filters decide --------------------------------------------------------------- */

void
filters_hold(struct session *s, struct slice by, struct slice why)
{
	struct envelope *e = &s->envelope;
	if (e->hold[0] != '\0')
		return;
	snprintf(e->hold, sizeof e->hold, "%.*s: %.*s", (int)by.len, by.data, (int)why.len, why.len > 0 ? why.data : "");
	for (char *c = e->hold; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

void
filters_discard(struct session *s, struct slice by, const char *why)
{
	struct filters *fs = s->filters;
	fs->discard = true;
	fs->by = by;
	snprintf(fs->discard_why, sizeof fs->discard_why, "%s", why);
}

bool
filters_milter_failed(struct session *s, struct filter_milter *f)
{
	static const char *const words[] = {"tempfail", "accept", "reject", "quarantine"};
	if (f->state != STATE_FAILED)
		log_error("filter-failed", log_slice("filter", f->name), session_fact("queue", s->envelope.queue_id),
		    log_text("reason", f->wire.trouble != NULL ? f->wire.trouble : "over a limit"), log_text("default", words[f->otherwise]));
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->told = false;
	f->quarantine = f->otherwise == FILTER_QUARANTINE;
	if (f->otherwise == FILTER_ACCEPT || f->quarantine) {
		f->state = STATE_OFF;
		return true;
	}
	f->state = STATE_FAILED;
	filters_refuse_failed(s->filters, f->name, f->otherwise);
	return false;
}

/* --- one step through all milters ---------------------------------------------------------- */

typedef enum milter_word step(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters);

enum stage { STAGE_CLIENT, STAGE_MESSAGE };

/* What a milter's word means. False: the others are not asked. */
static bool
settle(struct session *s, struct filter_milter *f, enum milter_word word, enum stage stage)
{
	switch (word) {
	case MILTER_CONTINUE:
	case MILTER_SKIP:
		return true;
	case MILTER_ACCEPTED:
		f->state = stage == STAGE_CLIENT ? STATE_OFF : STATE_PAST;
		return true;
	case MILTER_DISCARD:
		filters_discard(s, f->name, "a filter says so");
		s->filters->discards_client |= stage == STAGE_CLIENT;
		return false;
	case MILTER_REFUSED:
	case MILTER_CLOSE:
		refuse_with(s->filters, f->name, &f->wire.answer, word == MILTER_CLOSE);
		return false;
	case MILTER_BROKEN:
		break;
	}
	return filters_milter_failed(s, f) || stage == STAGE_CLIENT;
}

/* MILTER_CONTINUE, or the word that ended it: then filters.answer is set. A discarded message goes on. */
static enum milter_word
each_milter(struct session *s, step *tell, struct slice about, struct slice parameters, enum stage stage)
{
	struct filters *fs = s->filters;
	for (size_t i = 0; i < fs->milter_count && !fs->discard; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->state == STATE_FAILED && stage == STAGE_MESSAGE) {
			filters_refuse_failed(fs, f->name, f->otherwise);
			return MILTER_REFUSED;
		}
		if (f->state != STATE_ASKED)
			continue;
		enum milter_word word = tell(s, f, about, parameters);
		if (!settle(s, f, word, stage))
			return word == MILTER_DISCARD ? MILTER_CONTINUE : MILTER_REFUSED;
	}
	return MILTER_CONTINUE;
}

static enum milter_word
tell_connect(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters)
{
	(void)parameters;
	struct slice address = slice_of(s->peer.ip.len > 0 ? s->peer.text : "");
	return milter_connect(&f->wire, about, address, s->peer.port);
}

static enum milter_word
tell_helo(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters)
{
	(void)s, (void)parameters;
	return milter_helo(&f->wire, about);
}

static enum milter_word
tell_mail(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters)
{
	(void)s;
	f->told = true;
	return milter_mail(&f->wire, about, parameters);
}

static enum milter_word
tell_rcpt(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters)
{
	(void)s;
	return milter_rcpt(&f->wire, about, parameters);
}

static enum milter_word
tell_data(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters)
{
	(void)s, (void)about, (void)parameters;
	return milter_data(&f->wire);
}

static enum milter_word
tell_unknown(struct session *s, struct filter_milter *f, struct slice about, struct slice parameters)
{
	(void)s, (void)parameters;
	return milter_unknown(&f->wire, about);
}

/* --- the steps -------------------------------------------------------------------------------- */

#define NOTHING slice_of("")

/* What is said at connect and HELO is about the client: he can neither say HELO again nor leave it out. */
static void
keep_refusal(struct filters *fs)
{
	if (fs->refuses_client)
		return;
	fs->refuses_client = true;
	fs->client_answer = fs->answer;
	fs->client_by = fs->by;
}

static void
connect_all(struct session *s)
{
	struct filters *fs = s->filters;
	struct slice name = slice_of(s->peer.name[0] != '\0' ? s->peer.name : "unknown");
	fs->refuses_client = false;
	if (each_milter(s, tell_connect, name, NOTHING, STAGE_CLIENT) != MILTER_CONTINUE)
		keep_refusal(fs);
}

void
filters_connect(struct session *s)
{
	struct filters *fs = s->filters;
	if (fs == NULL)
		return;
	for (size_t i = 0; i < fs->milter_count; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->fd < 0 || !milter_begin(&f->wire, f->fd))
			filters_milter_failed(s, f);
	}
	connect_all(s);
}

void
filters_next_client(struct session *s)
{
	struct filters *fs = s->filters;
	if (fs == NULL)
		return;
	filters_reset(s);
	fs->discards_client = false;
	for (size_t i = 0; i < fs->milter_count; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->state == STATE_OFF && f->fd >= 0)
			f->state = STATE_ASKED;
		if (f->state == STATE_ASKED && !milter_next_client(&f->wire))
			log_warning("filter-not-told", log_slice("filter", f->name), log_text("client", s->peer.text));
	}
	connect_all(s);
}

bool
filters_helo(struct session *s)
{
	struct slice name = slice_of(s->helo);
	if (s->filters == NULL || each_milter(s, tell_helo, name, NOTHING, STAGE_CLIENT) == MILTER_CONTINUE)
		return true;
	keep_refusal(s->filters);
	filters_answer(s, "HELO", name);
	return false;
}

static void
begin_message(struct filters *fs)
{
	fs->messages++;
	fs->discard = fs->discards_client;
	fs->take_text = false;
	str_clear(&fs->prepended);
	for (size_t i = 0; i < fs->milter_count; i++)
		if (fs->milters[i].state == STATE_PAST)
			fs->milters[i].state = STATE_ASKED;
}

static void
print_path(char *into, size_t size, struct slice address)
{
	snprintf(into, size, "<%.*s>", (int)address.len, address.len > 0 ? address.data : "");
}

bool
filters_mail(struct session *s, struct slice parameters)
{
	struct filters *fs = s->filters;
	struct slice sender = str_slice(&s->envelope.sender);
	char path[ADDRESS_PATH_MOST + 3];
	if (fs == NULL)
		return true;
	begin_message(fs);
	print_path(path, sizeof path, sender);
	bool ok = !fs->refuses_client;
	if (!ok)
		refuse_with(fs, fs->client_by, &fs->client_answer, fs->client_answer.code == 421);
	else
		ok = each_milter(s, tell_mail, slice_of(path), parameters, STAGE_MESSAGE) == MILTER_CONTINUE;
	if (!ok)
		filters_answer(s, "MAIL", sender);
	return ok;
}

bool
filters_rcpt(struct session *s, struct slice address, struct slice parameters)
{
	struct filters *fs = s->filters;
	char path[ADDRESS_PATH_MOST + 3];
	if (fs == NULL)
		return true;
	fs->rcpt = address;
	print_path(path, sizeof path, address);
	bool ok = filters_ask_policies(s, FILTER_AT_RCPT, address, 0) &&
	    each_milter(s, tell_rcpt, slice_of(path), parameters, STAGE_MESSAGE) == MILTER_CONTINUE;
	if (!ok)
		filters_answer(s, "RCPT", address);
	fs->rcpt = NOTHING;
	return ok;
}

bool
filters_unknown(struct session *s, struct slice line)
{
	if (s->filters == NULL || each_milter(s, tell_unknown, line, NOTHING, STAGE_CLIENT) == MILTER_CONTINUE)
		return true;
	filters_answer(s, "unknown", line);
	return false;
}

/* --- the message ---------------------------------------------------------------------------------- */

/* Somebody wants to see the text, or it is thrown away. */
static bool
wants_text(const struct filters *fs)
{
	bool wants = fs->discard;
	for (size_t i = 0; i < fs->milter_count; i++)
		wants = wants || fs->milters[i].state == STATE_ASKED;
	for (size_t i = 0; i < fs->policy_count; i++)
		wants = wants || fs->policies[i].time == FILTER_AT_END;
	return wants;
}

static void
hold_for_broken(struct session *s)
{
	const struct filters *fs = s->filters;
	for (size_t i = 0; i < fs->milter_count; i++)
		if (fs->milters[i].quarantine)
			filters_hold(s, fs->milters[i].name, slice_of("it did not answer"));
}

struct outcome
filters_data(struct session *s)
{
	struct filters *fs = s->filters;
	if (fs == NULL)
		return outcome_done();
	if (!filters_ask_policies(s, FILTER_AT_DATA, NOTHING, 0))
		return filters_outcome(s);
	fs->take_text = wants_text(fs);
	if (fs->take_text && !fs->discard) {
		struct outcome o = filters_scratch_begin(s);
		if (!outcome_is_done(&o))
			return o;
	}
	if (each_milter(s, tell_data, NOTHING, NOTHING, STAGE_MESSAGE) != MILTER_CONTINUE)
		return filters_outcome(s);
	fs->take_text = wants_text(fs);
	if (!fs->take_text)
		hold_for_broken(s);
	return outcome_done();
}

bool
filters_take_text(const struct session *s)
{
	return s->filters != NULL && s->filters->take_text;
}

struct slice
filters_prepended(const struct session *s)
{
	return s->filters != NULL ? str_slice(&s->filters->prepended) : NOTHING;
}

void
filters_text(struct session *s, struct slice bytes)
{
	if (!s->filters->discard)
		filters_scratch_write(&s->filters->scratch, bytes);
}

void
filters_reset(struct session *s)
{
	struct filters *fs = s->filters;
	if (fs == NULL)
		return;
	for (size_t i = 0; i < fs->milter_count; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->told && f->fd >= 0)
			milter_abort(&f->wire);
		f->told = false;
	}
	fs->discard = fs->take_text = false;
	str_clear(&fs->prepended);
}

void
filters_end(struct session *s)
{
	struct filters *fs = s->filters;
	for (size_t i = 0; fs != NULL && i < fs->milter_count; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->fd >= 0)
			milter_quit(&f->wire);
	}
}
