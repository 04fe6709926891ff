#include "smtpd/filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "smtpd/filters_state.h"
#include "smtpd/reply.h"

/* --- what a milter is told ------------------------------------------------------------------ */

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
	if (!filters_each_milter(s, tell_connect, name, NOTHING, STAGE_CLIENT))
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
	if (s->filters == NULL || filters_each_milter(s, tell_helo, name, NOTHING, STAGE_CLIENT))
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
		filters_refuse(fs, fs->client_by, &fs->client_answer, fs->client_answer.code == 421);
	else
		ok = filters_each_milter(s, tell_mail, slice_of(path), parameters, STAGE_MESSAGE);
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
	    filters_each_milter(s, tell_rcpt, slice_of(path), parameters, STAGE_MESSAGE);
	if (!ok)
		filters_answer(s, "RCPT", address);
	fs->rcpt = NOTHING;
	return ok;
}

bool
filters_unknown(struct session *s, struct slice line)
{
	if (s->filters == NULL || filters_each_milter(s, tell_unknown, line, NOTHING, STAGE_CLIENT))
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
	if (!filters_each_milter(s, tell_data, NOTHING, NOTHING, STAGE_MESSAGE))
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
