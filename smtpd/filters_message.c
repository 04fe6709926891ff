/* The end of a message that filters look at: each in its turn, then the result to the intake. */
#include "lib/base/log.h"
#include "lib/mail/header.h"
#include "smtpd/filters.h"
#include "smtpd/filters_state.h"
#include "smtpd/intake.h"
#include "smtpd/received.h"
#include "smtpd/reply.h"

#define CHUNK 16384

static bool
refuse_disk(struct session *s)
{
	struct outcome o = outcome_make("4.3.1", "The queue's disk failed");
	refuse_outcome(s, &o, "DATA", slice_of(s->envelope.queue_id));
	return false;
}

/* --- reading ---------------------------------------------------------------------------- */

/* How long the header is, with the empty line behind it; 0 when it does not end within the text. */
static size_t
measure(struct slice text, bool whole, size_t *fields_len)
{
	struct header_reader r;
	struct header_field h;
	header_begin(&r, text);
	while (header_next(&r, &h))
		;
	*fields_len = r.at;
	if (r.over || (!r.ended && !whole))
		return 0;
	return header_body(&r);
}

enum reading { READ_OK, READ_OVER, READ_FAILED };

/* Reads as much as the header needs into `text`. READ_OVER: that is more than we take apart. */
static enum reading
gather_header(const struct scratch *k, uint64_t size, struct str *text, size_t *all, size_t *fields_len)
{
	char chunk[CHUNK];
	*all = *fields_len = 0;
	while (*all == 0 && text->len < size) {
		size_t len = size - text->len < sizeof chunk ? (size_t)(size - text->len) : sizeof chunk;
		if (!filters_scratch_read(k, text->len, chunk, len))
			return READ_FAILED;
		if (!str_append(text, chunk, len))
			return READ_OVER;
		*all = measure(str_slice(text), text->len == size, fields_len);
	}
	return *all > 0 || size == 0 ? READ_OK : READ_OVER;
}

/* The header into filters.fields, its last line with an end; and where the body is. */
static enum reading
read_header(struct session *s, uint64_t size)
{
	struct filters *fs = s->filters;
	struct str text = STR_MOST(FIELDS_BYTES);
	size_t all, fields;
	enum reading result = gather_header(&fs->scratch, size, &text, &all, &fields);
	if (result == READ_OK) {
		bool whole_lines = fields == 0 || text.data[fields - 1] == '\n';
		fs->parted = all > fields;
		str_truncate(&text, fields);
		if (!whole_lines)
			str_append_text(&text, "\r\n");
		result = fields_read(&fs->fields, str_slice(&text)) ? READ_OK : READ_OVER;
	}
	fs->body_at = all;
	fs->body_len = size - all;
	str_free(&text);
	return result;
}

/* --- the filters ---------------------------------------------------------------------------- */

/* False: it has been answered. */
static bool
refused(struct session *s)
{
	filters_answer(s, "DATA", slice_of(s->envelope.queue_id));
	return false;
}

/* What becomes of the message after one milter. False: it goes no further. */
static bool
settle(struct session *s, struct filter_milter *f, enum milter_word word)
{
	switch (word) {
	case MILTER_CONTINUE:
	case MILTER_SKIP:
	case MILTER_ACCEPTED:
		f->state = STATE_PAST;
		return true;
	case MILTER_DISCARD:
		filters_discard(s, f->name, "a filter says so");
		return true;
	case MILTER_REFUSED:
	case MILTER_CLOSE:
		filters_refuse(s->filters, f->name, &f->wire.answer, word == MILTER_CLOSE);
		return refused(s);
	case MILTER_BROKEN:
		break;
	}
	return filters_milter_failed(s, f) || refused(s);
}

static bool
run_milters(struct session *s)
{
	struct filters *fs = s->filters;
	for (size_t i = 0; i < fs->milter_count && !fs->discard; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->state == STATE_ASKED && !settle(s, f, filters_replay(s, f)))
			return false;
		if (f->quarantine)
			filters_hold(s, f->name, slice_of("it did not answer"));
	}
	return true;
}

/* A header beyond the bound is not taken apart: each filter's failure mode says what becomes of the message. */
static bool
pass_over(struct session *s)
{
	struct filters *fs = s->filters;
	for (size_t i = 0; i < fs->milter_count; i++) {
		struct filter_milter *f = &fs->milters[i];
		if (f->quarantine)
			filters_hold(s, f->name, slice_of("it did not answer"));
		if (f->state != STATE_ASKED)
			continue;
		log_warning("filter-passed-over", log_slice("filter", f->name), log_text("queue", s->envelope.queue_id),
		    log_text("reason", "the header is over the bound"), log_number("most", FIELDS_BYTES));
		if (f->otherwise == FILTER_QUARANTINE)
			filters_hold(s, f->name, slice_of("the header is too large for it"));
		if (f->otherwise == FILTER_TEMPFAIL || f->otherwise == FILTER_REJECT) {
			filters_refuse_failed(fs, f->name, f->otherwise);
			return refused(s);
		}
	}
	return true;
}

/* Fields of policy servers stand above our trace line, in the order in which they were said: so the last one goes in first. */
static bool
insert_prepended(struct filters *fs)
{
	struct slice rest = str_slice(&fs->prepended);
	bool ok = true;
	while (ok && rest.len > 2) {
		rest.len -= 2;
		size_t lf = slice_find_last(rest, '\n');
		size_t start = lf < rest.len ? lf + 1 : 0;
		struct slice line = slice_from(rest, start);
		size_t colon = slice_find(line, ':');
		ok = fields_insert(&fs->fields, 0, slice_first(line, colon), slice_from(line, colon + 1), true);
		rest.len = start;
	}
	return ok;
}

/* --- to the intake ------------------------------------------------------------------------------ */

static bool
write_fields(struct session *s, size_t from, size_t to)
{
	bool ok = true;
	for (size_t n = from; ok && n < to; n++)
		ok = intake_write(s, fields_text(&s->filters->fields, n));
	return ok;
}

static bool
write_part(struct session *s, uint64_t at, uint64_t left)
{
	char chunk[CHUNK];
	while (left > 0) {
		size_t len = left < sizeof chunk ? (size_t)left : sizeof chunk;
		if (!filters_scratch_read(&s->filters->scratch, at, chunk, len) || !intake_write(s, slice_make(chunk, len)))
			return false;
		at += len;
		left -= len;
	}
	return true;
}

static bool
write_message(struct session *s, enum reading reading, uint64_t size)
{
	const struct filters *fs = s->filters;
	size_t top = fs->fields.top, all = fields_count(&fs->fields);
	if (reading == READ_OVER)
		return intake_write(s, str_slice(&fs->prepended)) && received_write(s) && write_part(s, 0, size);
	return write_fields(s, 0, top) && received_write(s) && write_fields(s, top, all) &&
	    (!(fs->parted || fs->body_len > 0) || intake_write(s, slice_of("\r\n"))) &&
	    write_part(s, fs->body_at, fs->body_len);
}

/* True: the intake has it all. */
static bool
pass_on(struct session *s, enum reading reading, uint64_t size)
{
	struct outcome o = intake_open(s);
	if (outcome_is_done(&o)) {
		if (write_message(s, reading, size))
			return true;
		intake_abort(s);
		o = outcome_make("4.3.0", "The queue broke while it took the message");
	}
	refuse_outcome(s, &o, "DATA", slice_of(s->envelope.queue_id));
	return false;
}

/* The client is told that all is well, and nobody gets it. */
static bool
throw_away(struct session *s)
{
	const struct filters *fs = s->filters;
	const struct envelope *e = &s->envelope;
	log_info("discarded", session_fact("queue", e->queue_id), log_slice("filter", fs->by), log_text("reason", fs->discard_why),
	    log_slice("from", str_slice(&e->sender)), log_text("to", str_text(&e->recipients)),
	    log_number("recipients", (int64_t)e->recipient_count), log_text("client", s->peer.text));
	s->counts.idle = 0;
	reply(s, 250, "2.0.0", "Ok");
	return false;
}

bool
filters_message(struct session *s)
{
	struct filters *fs = s->filters;
	uint64_t size = fs->scratch.end;
	if (fs->discard)
		return throw_away(s);
	if (fs->scratch.failed)
		return refuse_disk(s);
	enum reading reading = read_header(s, size);
	if (reading == READ_FAILED || !filters_ask_policies(s, FILTER_AT_END, slice_of(""), size))
		return reading == READ_FAILED ? refuse_disk(s) : refused(s);
	/* No room for the fields of policy servers: the header is over the bound, and they stand before it. */
	if (!fs->discard && reading == READ_OK && !insert_prepended(fs))
		reading = READ_OVER;
	if (!fs->discard && !(reading == READ_OK ? run_milters(s) : pass_over(s)))
		return false;
	if (!fs->discard && s->envelope.recipient_count == 0)
		filters_discard(s, slice_of("all"), "no recipient is left");
	return fs->discard ? throw_away(s) : pass_on(s, reading, size);
}
