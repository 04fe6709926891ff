#include "queue/bounce_template.h"

#include <string.h>

#include "lib/mail/address.h"

#define LINE_MOST 900 /* what it becomes must be a line of a message: at most 998 */

static const char *const kinds[TEMPLATE_KINDS] = {"failure", "delay", "success", "postmaster"};

static const char *const words[TEMPLATE_WORDS] = {
    [WORD_HOSTNAME] = "hostname", [WORD_QUEUE_ID] = "queue_id", [WORD_SENDER] = "sender", [WORD_ARRIVAL] = "arrival",
    [WORD_DELAY] = "delay", [WORD_DELAY_HOURS] = "delay_hours", [WORD_LIFE] = "life", [WORD_LIFE_DAYS] = "life_days",
    [WORD_RECIPIENTS] = "recipients", [WORD_MORE] = "more", [WORD_DOLLAR] = "$",
};

static const struct {
	const char *name, *usual;
} fields[TEMPLATE_FIELDS] = {
    [FIELD_SUBJECT] = {"Subject", ""},
    [FIELD_FROM] = {"From", "Mail Delivery System"},
    [FIELD_MORE] = {"More", "and $more further recipients."},
    [FIELD_DELIVERED] = {"Delivered", "delivered into the mailbox"},
    [FIELD_RELAYED] = {"Relayed", "passed on to a host that tells nobody when it delivers"},
    [FIELD_EXPANDED] = {"Expanded", "passed on to all who are behind this address"},
};

static const struct {
	const char *subject, *text;
} built_in[TEMPLATE_KINDS] = {
    [TEMPLATE_FAILURE] = {"Undelivered mail returned to sender",
        "This is the mail system of $hostname.\n"
        "\n"
        "Your message could not be delivered to the following recipients. It will not\n"
        "be tried again. What has happened is said below each address.\n"
        "\n"
        "$recipients\n"
        "\n"
        "The queue id of your message was $queue_id.\n"},
    [TEMPLATE_DELAY] = {"Your mail is delayed, it is still being tried",
        "This is the mail system of $hostname.\n"
        "\n"
        "This is a warning only. You need not send your message again.\n"
        "\n"
        "It could not be delivered for $delay to the following recipients. It is\n"
        "tried until it is $life old, and then returned. What the last attempt came\n"
        "to is said below each address.\n"
        "\n"
        "$recipients\n"
        "\n"
        "The queue id of your message is $queue_id.\n"},
    [TEMPLATE_SUCCESS] = {"Your mail was delivered",
        "This is the mail system of $hostname.\n"
        "\n"
        "You asked to be told what becomes of your message. It has come so far:\n"
        "\n"
        "$recipients\n"
        "\n"
        "The queue id of your message was $queue_id.\n"},
    [TEMPLATE_POSTMASTER] = {"Undeliverable bounce",
        "This is the mail system of $hostname.\n"
        "\n"
        "A message without a sender, most likely a bounce, could not be delivered to\n"
        "\n"
        "$recipients\n"
        "\n"
        "Its queue id was $queue_id.\n"},
};

void
bounce_templates_begin(struct bounce_templates *t)
{
	for (size_t i = 0; i < TEMPLATE_KINDS; i++) {
		for (size_t j = 0; j < TEMPLATE_FIELDS; j++)
			t->of[i].field[j] = slice_of(fields[j].usual);
		t->of[i].field[FIELD_SUBJECT] = slice_of(built_in[i].subject);
		t->of[i].text = slice_of(built_in[i].text);
	}
}

/* --- names ------------------------------------------------------------------------- */

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static enum template_word
word_called(struct slice name)
{
	for (size_t i = 0; i < TEMPLATE_WORDS; i++)
		if (slice_is(name, words[i]))
			return (enum template_word)i;
	return TEMPLATE_WORDS;
}

/* "$name", "${name}" or "$$" at the start: its length; the word, or TEMPLATE_WORDS when there is none of this name. */
static size_t
read_name(struct slice text, enum template_word *word)
{
	bool braced = text.len > 1 && text.data[1] == '{';
	size_t start = braced ? 2 : 1, end = start;
	if (text.len > 1 && text.data[1] == '$')
		end = 2;
	while (end < text.len && is_name_byte(text.data[end]) && text.data[1] != '$')
		end++;
	*word = word_called(slice_make(text.data + start, end - start));
	if (braced && (end >= text.len || text.data[end] != '}'))
		*word = TEMPLATE_WORDS;
	return braced && end < text.len ? end + 1 : end;
}

bool
bounce_template_next(struct slice *rest, struct slice *piece, enum template_word *word)
{
	*word = TEMPLATE_WORDS;
	if (rest->len == 0)
		return false;
	size_t len = slice_find(*rest, '$');
	if (len == 0) {
		len = read_name(*rest, word);
		*piece = *word == TEMPLATE_WORDS ? slice_first(*rest, len) : slice_of("");
	} else {
		*piece = slice_first(*rest, len);
	}
	*rest = slice_from(*rest, len);
	return true;
}

/* --- the file ------------------------------------------------------------------------ */

struct reader {
	struct slice           rest;
	size_t                 line;
	struct bounce_template now;
	int                    kind;    /* of `now`; -1: before the first section */
	bool                   in_text;
	const char            *text;    /* where the section's text begins */
	bool                   seen[TEMPLATE_KINDS];
	const char            *why;
};

static bool
has_unknown_name(struct slice text)
{
	struct slice piece;
	enum template_word word;
	while (bounce_template_next(&text, &piece, &word))
		if (word == TEMPLATE_WORDS && piece.len > 0 && piece.data[0] == '$')
			return true;
	return false;
}

static bool
has_control(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.data[i] < ' ' ? line.data[i] != '\t' : line.data[i] == 0x7f)
			return true;
	return false;
}

static const char *
fault_of(struct slice line)
{
	if (line.len > LINE_MOST)
		return "the line is longer than 900 bytes";
	if (!address_is_utf8(line))
		return "this is no UTF-8";
	if (has_control(line))
		return "a control character is in it";
	if (has_unknown_name(line))
		return "it names something that is not known; a dollar sign that stands for itself is written $$";
	return NULL;
}

static bool
is_section(struct slice line)
{
	if (line.len < 3 || line.data[0] != '[' || line.data[line.len - 1] != ']')
		return false;
	for (size_t i = 1; i < line.len - 1; i++)
		if (!is_name_byte(line.data[i]))
			return false;
	return true;
}

/* The section before is complete, its text ends at `end`. */
static const char *
end_section(struct reader *r, struct bounce_templates *t, const char *end)
{
	if (r->kind < 0)
		return NULL;
	if (!r->in_text)
		return "the section before has no text: an empty line stands between its fields and its text";
	r->now.text = slice_make(r->text, (size_t)(end - r->text));
	t->of[r->kind] = r->now;
	return NULL;
}

static const char *
begin_section(struct reader *r, const struct bounce_templates *t, struct slice name)
{
	r->kind = -1;
	for (int i = 0; i < TEMPLATE_KINDS; i++)
		if (slice_is(name, kinds[i]))
			r->kind = i;
	if (r->kind < 0)
		return "there is no such section; there are [failure], [delay], [success] and [postmaster]";
	if (r->seen[r->kind])
		return "this section is there twice";
	r->seen[r->kind] = true;
	r->in_text = false;
	r->now = t->of[r->kind];
	return NULL;
}

static const char *
read_field(struct reader *r, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_first(line, colon), value = slice_trim(slice_from(line, colon + 1));
	if (colon == line.len || value.len == 0)
		return "a field is missing, or an empty line before the text";
	for (size_t i = 0; i < TEMPLATE_FIELDS; i++) {
		if (!slice_is_nocase(name, fields[i].name))
			continue;
		r->now.field[i] = value;
		return NULL;
	}
	return "there is no such field; an empty line comes before the text";
}

/* `line` without its end; `next` is where the line behind it begins. */
static const char *
read_line(struct reader *r, struct bounce_templates *t, struct slice line, const char *next)
{
	if (!r->in_text && line.len > 0 && line.data[0] == '#')
		return NULL;
	const char *why = fault_of(line);
	if (why != NULL)
		return why;
	if (is_section(line)) {
		why = end_section(r, t, line.data);
		return why != NULL ? why : begin_section(r, t, slice_make(line.data + 1, line.len - 2));
	}
	if (r->in_text)
		return NULL;
	if (r->kind < 0)
		return line.len == 0 ? NULL : "a section such as [failure] comes first";
	if (line.len > 0)
		return read_field(r, line);
	r->in_text = true;
	r->text = next;
	return NULL;
}

bool
bounce_templates_parse(struct bounce_templates *t, struct slice text, struct template_fault *fault)
{
	struct bounce_templates read = *t;
	struct reader r = {.rest = text, .kind = -1};
	struct slice line;
	const char *why = text.len > TEMPLATE_MOST ? "the file is too long" : NULL;
	while (why == NULL && slice_split(&r.rest, '\n', &line)) {
		r.line++;
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		why = read_line(&r, &read, line, r.rest.data);
	}
	if (why == NULL && text.len > 0)
		why = end_section(&r, &read, text.data + text.len);
	*fault = (struct template_fault){.line = r.line, .why = why};
	if (why == NULL)
		*t = read;
	return why == NULL;
}
