#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "smtpd/filters_state.h"
#include "smtpd/reply.h"

/* --- refusing ------------------------------------------------------------------------ */

void
filters_refuse(struct filters *fs, struct slice by, const struct filter_answer *a, bool closes)
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
	filters_refuse(fs, by, &a, false);
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
