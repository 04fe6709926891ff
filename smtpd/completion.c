#include "smtpd/completion.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"

static const char *const names[COMPLETION_NAMES] = {"date", "message-id"};

static void
begin_line(struct completion *c)
{
	c->column = 0;
	for (size_t i = 0; i < COMPLETION_NAMES; i++) {
		c->fits[i] = true;
		c->matched[i] = 0;
	}
}

void
completion_begin(struct completion *c, const char *queue_id, const char *host, int64_t now)
{
	struct str date = STR_MOST(sizeof c->date - 1);
	memset(c, 0, sizeof *c);
	begin_line(c);
	/* In UTC, as the trace line: the machine's zone is in a file. */
	date_print(&date, (struct date){.when = now, .zone = 0});
	snprintf(c->date, sizeof c->date, "%s", str_text(&date));
	snprintf(c->id, sizeof c->id, "<%s@%s>", queue_id, host);
	str_free(&date);
}

/* The fields that are missing, and `end`; they are ready to be given out. */
static void
add_missing(struct completion *c, const char *end)
{
	snprintf(c->added, sizeof c->added, "%s%s%s%s%s%s%s", c->there[0] ? "" : "Date: ", c->there[0] ? "" : c->date,
	    c->there[0] ? "" : "\r\n", c->there[1] ? "" : "Message-ID: ", c->there[1] ? "" : c->id,
	    c->there[1] ? "" : "\r\n", end);
	c->ready = slice_of(c->added);
	c->state = COMPLETION_BODY;
}

/* Space may stand between a field's name and its colon (RFC 5322 section 4.5). */
static void
match(struct completion *c, size_t i, int byte)
{
	size_t len = strlen(names[i]);
	if (c->matched[i] == len && byte == ':')
		c->there[i] = true;
	if (c->matched[i] < len && ascii_lower(byte) == names[i][c->matched[i]])
		c->matched[i]++;
	else
		c->fits[i] = c->matched[i] == len && (byte == ' ' || byte == '\t');
}

static void
header_byte(struct completion *c, int byte)
{
	if (byte == '\n') {
		begin_line(c);
		return;
	}
	c->column++;
	for (size_t i = 0; i < COMPLETION_NAMES; i++)
		if (c->fits[i])
			match(c, i, byte);
}

/* Behind a CR at the start of a line: the end of the header, or text. */
static void
after_cr(struct completion *c, struct slice *in)
{
	c->cr = false;
	if (in->data[0] == '\n') {
		*in = slice_from(*in, 1);
		add_missing(c, "\r\n");
	} else {
		c->column = 1;
		c->fits[0] = c->fits[1] = false;
		c->ready = slice_of("\r");
	}
}

static struct slice
header_run(struct completion *c, struct slice *in)
{
	struct slice text = *in;
	for (size_t i = 0; i < text.len; i++) {
		if (c->column == 0 && text.data[i] == '\r') {
			c->cr = true;
			*in = slice_from(text, i + 1);
			return slice_first(text, i);
		}
		header_byte(c, (unsigned char)text.data[i]);
	}
	*in = slice_from(text, text.len);
	return text;
}

/* The first line is of a header, or of a message that has none: then one is put before it. */
static void
decide(struct completion *c, bool is_header)
{
	struct slice held = slice_make(c->first, c->held);
	if (!is_header) {
		add_missing(c, "\r\n");
		return;
	}
	c->state = COMPLETION_HEADER;
	c->held = 0;
	c->ready = header_run(c, &held);
}

/* "From somebody Thu ..." of an mbox file is no field, and yet a header follows it. */
static bool
is_mbox_line(const struct completion *c)
{
	return c->held == 5 && memcmp(c->first, "From ", 5) == 0;
}

static void
first_byte(struct completion *c, struct slice *in)
{
	char byte = in->data[0];
	bool space = byte == ' ' || byte == '\t';
	bool spaced = c->held > 0 && (c->first[c->held - 1] == ' ' || c->first[c->held - 1] == '\t');
	if (c->held == 0 && byte == '\r') {
		decide(c, true); /* no field at all, but the empty line */
		return;
	}
	bool may_go_on = space ? c->held > 0 : byte > ' ' && byte <= '~' && (!spaced || byte == ':');
	if (may_go_on) {
		c->first[c->held++] = byte;
		*in = slice_from(*in, 1);
	}
	if (!may_go_on)
		decide(c, false);
	else if (byte == ':' || is_mbox_line(c) || c->held == COMPLETION_HELD)
		decide(c, c->first[0] != ':');
}

/* What was held goes out behind the fields that were put before it. */
static struct slice
take_held(struct completion *c)
{
	struct slice held = slice_make(c->first, c->state == COMPLETION_BODY ? c->held : 0);
	if (held.len > 0)
		c->held = 0;
	return held;
}

static struct slice
take_ready(struct completion *c)
{
	struct slice run = c->ready;
	c->ready = slice_make(NULL, 0);
	return run.len > 0 ? run : take_held(c);
}

struct slice
completion_run(struct completion *c, struct slice *in)
{
	for (;;) {
		struct slice run = take_ready(c);
		if (run.len > 0 || in->len == 0)
			return run;
		if (c->state == COMPLETION_BODY) {
			run = *in;
			*in = slice_from(run, run.len);
			return run;
		}
		if (c->state == COMPLETION_FIRST)
			first_byte(c, in);
		else if (c->cr)
			after_cr(c, in);
		else if ((run = header_run(c, in)).len > 0)
			return run;
	}
}

struct slice
completion_finish(struct completion *c)
{
	struct slice run = take_ready(c);
	if (run.len > 0)
		return run;
	if (c->state == COMPLETION_FIRST && c->held > 0)
		decide(c, false);
	else if (c->cr)
		after_cr(c, &(struct slice){"x", 1});
	else if (c->state != COMPLETION_BODY)
		add_missing(c, "");
	return take_ready(c);
}
