#include "pop3d/surrogate.h"

#include "lib/mail/encoded.h"
#include "lib/mail/header.h"
#include "lib/mail/utf8.h"

/* RFC 2606's .invalid, as RFC 6858 section 2.1 has it. */
#define NOWHERE " <invalid@internationalized-address.invalid>"

static bool
is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

static bool
is_utf8(struct slice text)
{
	unsigned character;
	size_t len;
	for (; text.len > 0; text = slice_from(text, len))
		if ((len = utf8_character(text, &character)) == 0)
			return false;
	return true;
}

/* Up to a `stop` that is neither in quotes nor in <> nor in a comment. */
static size_t
find_outside(struct slice text, char stop)
{
	bool quoted = false;
	int depth = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (c == '\\' && (quoted || depth > 0))
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && depth == 0 && c == stop)
			return i;
		else if (!quoted && (c == '<' || c == '('))
			depth++;
		else if (!quoted && depth > 0 && (c == '>' || c == ')'))
			depth--;
	}
	return text.len;
}

/* A phrase without the quotes around it. */
static struct slice
unquoted(struct slice text)
{
	text = slice_trim(text);
	if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
		text = slice_first(slice_from(text, 1), text.len - 2);
	return text;
}

/* One mailbox: "Name <address>" or an address alone. */
static void
append_mailbox(struct str *into, struct slice mailbox)
{
	size_t open = find_outside(mailbox, '<');
	struct slice name = unquoted(slice_first(mailbox, open)), address = slice_from(mailbox, open);
	if (address.len == 0) {
		/* The address is all there is to show. */
		encoded_phrase(into, 0, name);
		str_append_text(into, NOWHERE);
		return;
	}
	bool writable = is_ascii(address);
	if (name.len == 0 && !writable)
		name = slice_first(slice_from(address, 1), slice_find(address, '>') - 1);
	if (name.len > 0)
		encoded_phrase(into, 0, name);
	if (writable)
		str_append_byte(into, ' ');
	if (writable)
		str_append_slice(into, address);
	else
		str_append_text(into, NOWHERE);
}

static void
append_addresses(struct str *into, struct slice value)
{
	bool first = true;
	while (value.len > 0) {
		size_t end = find_outside(value, ',');
		struct slice one = slice_trim(slice_first(value, end));
		value = slice_from(value, end + 1);
		if (one.len == 0)
			continue;
		str_append_text(into, first ? "" : ",\r\n");
		first = false;
		if (!is_ascii(one)) {
			append_mailbox(into, one);
			continue;
		}
		str_append_byte(into, ' ');
		str_append_slice(into, one);
	}
}

/* "name=value" as "name*=utf-8''value" (RFC 2231 section 4). */
static void
append_parameter(struct str *into, struct slice parameter)
{
	size_t equal = slice_find(parameter, '=');
	struct slice name = slice_trim(slice_first(parameter, equal)), value = unquoted(slice_from(parameter, equal + 1));
	/* A name that is no ASCII, or one that has that form already, is none that could be kept. */
	if (!is_ascii(name) || slice_has(name, '*') || value.len == 0)
		return;
	str_append_text(into, ";\r\n ");
	str_append_slice(into, name);
	str_append_text(into, "*=utf-8''");
	for (size_t i = 0; i < value.len; i++) {
		if (ascii_is_alnum(value.data[i]) || value.data[i] == '.' || value.data[i] == '-' || value.data[i] == '_')
			str_append_byte(into, value.data[i]);
		else
			str_append_format(into, "%%%02X", (unsigned char)value.data[i]);
	}
}

static void
append_parameters(struct str *into, struct slice value)
{
	bool first = true;
	while (value.len > 0) {
		size_t end = find_outside(value, ';');
		struct slice part = slice_trim(slice_first(value, end));
		value = slice_from(value, end + 1);
		if (!is_ascii(part)) {
			append_parameter(into, part);
		} else if (part.len > 0) {
			str_append_text(into, first ? " " : ";\r\n ");
			str_append_slice(into, part);
		}
		first = false;
	}
}

static void
append_text(struct str *into, struct slice value)
{
	encoded_unstructured(into, 0, value);
}

/* What is not here is text. */
static const struct {
	const char *name;
	void (*append)(struct str *into, struct slice value);
} structured[] = {
	{"From", append_addresses}, {"To", append_addresses}, {"Cc", append_addresses}, {"Bcc", append_addresses},
	{"Sender", append_addresses}, {"Reply-To", append_addresses}, {"Return-Path", append_addresses},
	{"Resent-From", append_addresses}, {"Resent-To", append_addresses}, {"Resent-Cc", append_addresses},
	{"Resent-Sender", append_addresses}, {"Disposition-Notification-To", append_addresses},
	{"Content-Type", append_parameters}, {"Content-Disposition", append_parameters},
};

static bool
append_field(struct str *into, const struct header_field *f)
{
	struct str value = STR_MOST(SURROGATE_MOST);
	bool ok = header_unfold(&value, f->value);
	void (*append)(struct str *, struct slice) = append_text;
	for (size_t i = 0; i < sizeof structured / sizeof *structured; i++)
		if (slice_is_nocase(f->name, structured[i].name))
			append = structured[i].append;
	str_append_slice(into, f->name);
	str_append_byte(into, ':');
	append(into, str_slice(&value));
	str_append_text(into, "\r\n");
	str_free(&value);
	return ok && !into->failed;
}

static bool
append_fields(struct str *into, struct slice text, size_t end)
{
	struct header_reader r;
	struct header_field f;
	header_begin(&r, slice_first(text, end));
	while (header_next(&r, &f)) {
		struct slice whole = slice_first(slice_from(text, f.start), f.end - f.start);
		/* The name of a field is ASCII, or it is no field. */
		bool ok = f.name.len == 0 || is_ascii(whole) || !is_ascii(f.name) || !is_utf8(whole)
		    ? str_append_slice(into, whole) : append_field(into, &f);
		if (!ok)
			return false;
	}
	return !r.over;
}

size_t
surrogate_header(struct str *into, struct slice text)
{
	size_t start = into->len, end = header_end(text);
	/* A header without a body behind it may go on behind `text`. */
	if (end == text.len || is_ascii(slice_first(text, end)))
		return 0;
	if (append_fields(into, text, end) && str_append_text(into, "\r\n"))
		return end;
	str_truncate(into, start);
	return 0;
}
