#include "queue/report.h"

const char *
report_word(enum report what)
{
	static const char *const words[REPORT_KINDS] = {"", "failed", "delayed", "delivered", "relayed", "expanded"};
	return words[what];
}

/* "SUCCESS,DELAY" as the client gave it for the first ancestor; false: he said nothing. */
static bool
notify_of(const struct queue_file *f, const struct file_recipient *r, struct slice *words)
{
	return queue_file_recipient_key(queue_file_original(f, r), "notify", words) && words->len > 0;
}

static bool
has_word(struct slice words, const char *wanted)
{
	struct slice word;
	while (slice_split(&words, ',', &word))
		if (slice_is_nocase(word, wanted))
			return true;
	return false;
}

/* An alias above it has several targets. */
static bool
is_divided(const struct queue_file *f, const struct file_recipient *r)
{
	while (r->parent != NO_PARENT) {
		r = &f->recipients[r->parent];
		if (r->targets > 1)
			return true;
	}
	return false;
}

static bool
wants_success(const struct queue_file *f, const struct file_recipient *r)
{
	struct slice words;
	return f->sender.len > 0 && notify_of(f, r, &words) && has_word(words, "SUCCESS") && !is_divided(f, r);
}

/* Where nothing was said, failures and, by our choice, delays are told (RFC 3461 section 4.1). */
static bool
wants(const struct queue_file *f, const struct file_recipient *r, const char *word)
{
	struct slice words;
	return !notify_of(f, r, &words) || has_word(words, word);
}

enum recipient_status
report_failed(const struct queue_file *f, const struct file_recipient *r)
{
	return wants(f, r, "FAILURE") ? RECIPIENT_FAILED : RECIPIENT_RETURNED;
}

enum recipient_status
report_succeeded(const struct queue_file *f, const struct file_recipient *r, bool relayed)
{
	if (!wants_success(f, r))
		return RECIPIENT_DELIVERED;
	return relayed ? RECIPIENT_RELAYED : RECIPIENT_SUCCEEDED;
}

enum report
report_of(const struct queue_file *f, const struct file_recipient *r, bool late)
{
	if (r->expanded)
		return r->targets > 1 && r->status != RECIPIENT_DIVIDED && wants_success(f, r) ? REPORT_EXPANDED : REPORT_NOTHING;
	switch (r->status) {
	case RECIPIENT_FAILED:
		return REPORT_FAILED;
	case RECIPIENT_SUCCEEDED:
		return REPORT_DELIVERED;
	case RECIPIENT_RELAYED:
		return REPORT_RELAYED;
	case RECIPIENT_PENDING:
		return late && f->sender.len > 0 && wants(f, r, "DELAY") ? REPORT_DELAYED : REPORT_NOTHING;
	default:
		return REPORT_NOTHING;
	}
}

bool
report_is_due(const struct queue_file *f, bool late)
{
	for (size_t i = 0; i < f->count; i++)
		if (report_of(f, &f->recipients[i], late) != REPORT_NOTHING)
			return true;
	return false;
}

enum recipient_status
report_done(enum report what)
{
	static const enum recipient_status done[] = {
	    [REPORT_NOTHING] = RECIPIENT_PENDING,
	    [REPORT_FAILED] = RECIPIENT_RETURNED,
	    [REPORT_DELAYED] = RECIPIENT_WARNED,
	    [REPORT_DELIVERED] = RECIPIENT_DELIVERED,
	    [REPORT_RELAYED] = RECIPIENT_DELIVERED,
	    [REPORT_EXPANDED] = RECIPIENT_DIVIDED,
	};
	return done[what];
}

void
report_notify(struct str *into, const struct queue_file *f, const struct file_recipient *r)
{
	struct slice words, word;
	str_clear(into);
	if (!notify_of(f, r, &words))
		return;
	bool divided = is_divided(f, r);
	while (slice_split(&words, ',', &word)) {
		if (word.len == 0 || (divided && slice_is_nocase(word, "SUCCESS")))
			continue;
		if (into->len > 0)
			str_append_byte(into, ',');
		str_append_slice(into, word);
	}
	if (into->len == 0)
		str_append_text(into, "NEVER");
}
