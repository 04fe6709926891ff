#include "lib/mail/seven_bit_part.h"

#include <string.h>

#include "lib/mail/mime.h"
#include "lib/mail/mime_fields.h"

#define FIELDS_MOST 65536 /* Content-Type and Content-Transfer-Encoding of one part */
#define LINE_MOST   998   /* RFC 5322 section 2.1.1 */
#define TEXT_SHARE  6     /* one byte in so many beyond ASCII: base64 is no longer than quoted-printable then */

/* What is done with a part. */
enum plan { PLAN_KEEP, PLAN_SAY_SEVEN, PLAN_SAY_EIGHT, PLAN_QUOTED, PLAN_BASE64 };

void
seven_give(struct seven_bit *s, struct slice bytes)
{
	if (s->writing && bytes.len > 0)
		s->taker.take(s->taker.context, bytes);
}

static void
refuse(struct seven_bit *s, const char *obstacle)
{
	if (s->facts.obstacle == NULL)
		s->facts.obstacle = obstacle;
}

static size_t
count_eight(struct slice bytes)
{
	size_t count = 0;
	for (size_t i = 0; i < bytes.len; i++)
		count += (unsigned char)bytes.data[i] >> 7;
	return count;
}

void
seven_note_bare(struct seven_bit *s)
{
	s->facts.binary = s->bare = true;
	if (s->in_header)
		refuse(s, "a header has a bare CR or LF");
}

void
seven_note_line(struct seven_bit *s, size_t len)
{
	if (s->longest < len)
		s->longest = len;
	if (s->binary && len > LINE_MOST)
		s->facts.binary = true;
}

/* --- headers ---------------------------------------------------------------------------------- */

void
seven_open_part(struct seven_bit *s, bool is_message, bool in_digest)
{
	s->part = s->parts;
	if (s->parts < BUDGET_MIME_PARTS)
		s->parts++;
	else {
		s->part = BUDGET_MIME_PARTS - 1;
		refuse(s, "it has too many parts");
	}
	if (!s->writing)
		s->plans[s->part] = PLAN_KEEP;
	s->in_header = true;
	s->is_message = is_message;
	s->in_digest = in_digest;
	s->has_type = s->has_version = s->captures = s->drops = false;
	str_clear(&s->fields);
	s->fields.limit = FIELDS_MOST;
}

static void
note_field(struct seven_bit *s, struct slice line)
{
	struct slice name = slice_trim(slice_first(line, slice_find(line, ':')));
	bool type = slice_is_nocase(name, "Content-Type");
	bool encoding = slice_is_nocase(name, "Content-Transfer-Encoding");
	s->has_type = s->has_type || type;
	s->has_version = s->has_version || slice_is_nocase(name, "MIME-Version");
	s->captures = type || encoding;
	s->drops = encoding && s->writing && s->plans[s->part] != PLAN_KEEP;
}

void
seven_begin_header_line(struct seven_bit *s, struct slice bytes)
{
	if (!slice_starts(bytes, " ") && !slice_starts(bytes, "\t"))
		note_field(s, bytes);
	seven_header_bytes(s, bytes);
}

void
seven_header_bytes(struct seven_bit *s, struct slice bytes)
{
	if (s->captures && !str_append_slice(&s->fields, bytes))
		refuse(s, "a header field is too long");
	if (!s->drops)
		seven_give(s, bytes);
	if (!s->writing && count_eight(bytes) > 0)
		s->facts.eight = s->facts.header = true;
}

static void
write_fields(struct seven_bit *s)
{
	static const char *const fields[] = {
	    [PLAN_KEEP] = "",
	    [PLAN_SAY_SEVEN] = "Content-Transfer-Encoding: 7bit\r\n",
	    [PLAN_SAY_EIGHT] = "Content-Transfer-Encoding: 8bit\r\n",
	    [PLAN_QUOTED] = "Content-Transfer-Encoding: quoted-printable\r\n",
	    [PLAN_BASE64] = "Content-Transfer-Encoding: base64\r\n",
	};
	enum plan plan = (enum plan)s->plans[s->part];
	bool encodes = plan == PLAN_QUOTED || plan == PLAN_BASE64;
	if (encodes && s->is_message && !s->has_version)
		seven_give(s, slice_of("MIME-Version: 1.0\r\n"));
	if (encodes && !s->has_type)
		seven_give(s, slice_of("Content-Type: text/plain; charset=unknown-8bit\r\n"));
	seven_give(s, slice_of(fields[plan]));
}

static void
open_body(struct seven_bit *s, const struct mime_part *p)
{
	static const enum transfer_kind kinds[] = {[PLAN_KEEP] = TRANSFER_PLAIN, [PLAN_SAY_SEVEN] = TRANSFER_PLAIN,
	    [PLAN_SAY_EIGHT] = TRANSFER_PLAIN, [PLAN_QUOTED] = TRANSFER_QUOTED, [PLAN_BASE64] = TRANSFER_BASE64};
	bool message = slice_is_nocase(p->type, "message");
	s->between = false;
	s->is_text = slice_is_nocase(p->type, "text");
	s->is_closed_type = slice_is_nocase(p->type, "multipart") || (message && !slice_starts_nocase(p->subtype, "global"));
	s->is_declared = slice_is_nocase(p->encoding, "8bit") || slice_is_nocase(p->encoding, "binary");
	s->says_binary = slice_is_nocase(p->encoding, "binary");
	s->is_plain = s->is_declared || p->encoding.len == 0 || slice_is_nocase(p->encoding, "7bit");
	s->nul = s->bare = false;
	s->bytes = s->eight = s->longest = 0;
	transfer_begin(&s->transfer, s->writing ? kinds[s->plans[s->part]] : TRANSFER_PLAIN, s->taker);
}

void
seven_open_between(struct seven_bit *s)
{
	s->in_header = false;
	s->between = true;
	transfer_begin(&s->transfer, s->eight_stays ? TRANSFER_PLAIN : TRANSFER_SEVEN, s->taker);
}

static void
set_plan(struct seven_bit *s, enum plan plan)
{
	s->plans[s->part] = (unsigned char)plan;
	s->facts.changes = s->facts.changes || plan != PLAN_KEEP;
}

/* What holds other parts says itself that they need eight bits, and then that they do not (RFC 2045 section 6.4). */
static void
plan_container(struct seven_bit *s, const struct mime_part *p)
{
	bool binary = slice_is_nocase(p->encoding, "binary");
	if (s->writing)
		return;
	if (s->eight_stays)
		set_plan(s, binary ? PLAN_SAY_EIGHT : PLAN_KEEP);
	else if (binary || slice_is_nocase(p->encoding, "8bit"))
		set_plan(s, PLAN_SAY_SEVEN);
}

/* A message/global may be encoded whole (RFC 6532 section 3.7), so what its header holds is no obstacle. */
static bool
is_message_within(const struct mime_part *p)
{
	return p->kind == MIME_MESSAGE && slice_is_nocase(p->subtype, "rfc822");
}

void
seven_end_header(struct seven_bit *s, bool with_line)
{
	struct mime_part p = {.parent = MIME_NONE};
	mime_read_fields(&p, str_slice(&s->fields), s->in_digest);
	s->in_header = false;
	bool within = with_line && is_message_within(&p), container = with_line && p.kind == MIME_MULTIPART;
	if (within || container)
		plan_container(s, &p);
	if (s->writing)
		write_fields(s);
	if (with_line)
		seven_give(s, slice_of("\r\n"));
	if (within)
		seven_open_part(s, true, false);
	else if (container && boundaries_open(&s->boundaries, &p))
		seven_open_between(s);
	else
		open_body(s, &p);
}

/* --- bodies ----------------------------------------------------------------------------------- */

void
seven_body_bytes(struct seven_bit *s, struct slice bytes)
{
	if (s->writing) {
		transfer_write(&s->transfer, bytes);
		return;
	}
	size_t eight = count_eight(bytes);
	s->facts.eight = s->facts.eight || eight > 0;
	s->eight += eight;
	s->bytes += bytes.len;
	if (slice_has(bytes, '\0')) {
		s->nul = true;
		s->facts.binary = s->facts.binary || s->binary;
	}
}

void
seven_release_line_end(struct seven_bit *s)
{
	if (s->line_end_held && s->writing)
		transfer_end_line(&s->transfer);
	s->line_end_held = false;
}

static enum plan
choose_encoding(const struct seven_bit *s)
{
	bool text = s->is_text && !s->nul && !s->bare && s->eight < s->bytes / TEXT_SHARE + 1;
	return text ? PLAN_QUOTED : PLAN_BASE64;
}

/* For a store of lines; what was encoded already stays as it is. */
static enum plan
choose_for_lines(struct seven_bit *s)
{
	bool raw = s->nul || (s->is_plain && (s->bare || (s->says_binary && s->longest > LINE_MOST)));
	if (!raw && s->says_binary)
		return s->eight > 0 ? PLAN_SAY_EIGHT : PLAN_SAY_SEVEN;
	if (!raw)
		return PLAN_KEEP;
	if (!s->is_plain || s->is_closed_type)
		refuse(s, "a part has bytes that are no text, and can bear no encoding");
	return choose_encoding(s);
}

static enum plan
choose(struct seven_bit *s)
{
	bool raw = s->nul || s->bare || s->longest > LINE_MOST;
	if (s->eight == 0 && !(raw && (s->binary || s->is_declared)))
		return s->is_declared ? PLAN_SAY_SEVEN : PLAN_KEEP;
	if (!s->is_plain)
		refuse(s, "a part is encoded and has bytes beyond ASCII");
	else if (s->is_closed_type)
		refuse(s, "a part has bytes beyond ASCII, and its type allows no encoding");
	return choose_encoding(s);
}

void
seven_close_part(struct seven_bit *s)
{
	if (s->writing)
		transfer_finish(&s->transfer);
	else if (!s->between)
		set_plan(s, s->eight_stays ? choose_for_lines(s) : choose(s));
	s->between = true;
}
