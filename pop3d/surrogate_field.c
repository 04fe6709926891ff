#include "pop3d/surrogate_field.h"

#include "lib/mail/address.h"
#include "lib/mail/encoded.h"
#include "lib/mail/header.h"
#include "lib/mail/idna.h"
#include "lib/mail/list.h"

/* RFC 6858 section 2.1; the domain is RFC 2606's. */
#define NOWHERE " <invalid@internationalized-address.invalid>"
#define PIECE_MOST 800 /* of a parameter's value in one line */

/* --- addresses ----------------------------------------------------------------- */

/* "<local@domain>" when ASCII can write it. */
static bool
append_angle(struct str *into, const struct mailbox *m)
{
	if (!address_is_ascii(m->local))
		return false;
	str_append_text(into, " <");
	struct str domain = STR_MOST(IDNA_NAME_MOST);
	bool ok = m->domain.len == 0 || address_is_ascii(m->domain) ? str_append_slice(&domain, m->domain) : idna_to_ascii(m->domain, &domain);
	ok = ok && address_print(into, m->local, str_slice(&domain)) && str_append_byte(into, '>');
	str_free(&domain);
	return ok;
}

/* Without a name the address is all there is to show. */
static void
append_mailbox(struct str *into, const struct mailbox *m)
{
	struct str shown = STR_MOST(into->limit);
	str_append_slice(&shown, m->name);
	if (m->name.len == 0)
		address_print(&shown, m->local, m->domain);
	size_t start = into->len;
	if (m->name.len > 0)
		encoded_phrase(into, 0, m->name);
	if (m->kind != MAILBOX_ADDRESS || !append_angle(into, m)) {
		str_truncate(into, start);
		encoded_phrase(into, 0, str_slice(&shown));
		str_append_text(into, NOWHERE);
	}
	str_free(&shown);
}

/* What stood between two places of the list, without the commas around it. */
static struct slice
raw_between(struct slice before, struct slice after)
{
	struct slice raw = slice_first(before, before.len - after.len);
	do
		raw = slice_trim(raw);
	while (slice_starts(raw, ",") && (raw = slice_from(raw, 1)).len > 0);
	return raw;
}

static void
append_element(struct str *into, const struct mailbox *m, struct slice raw)
{
	if (address_is_ascii(raw)) {
		str_append_byte(into, ' ');
		str_append_slice(into, raw);
	} else if (m->kind == MAILBOX_GROUP_START) {
		encoded_phrase(into, 0, m->name);
		str_append_byte(into, ':');
	} else {
		append_mailbox(into, m);
	}
}

static bool
append_addresses(struct str *into, struct slice value)
{
	struct mailbox_list list;
	struct mailbox m;
	bool comma = false;
	mailbox_list_begin(&list, value);
	for (struct slice before = list.text.rest; mailbox_list_next(&list, &m); before = list.text.rest) {
		if (m.kind == MAILBOX_GROUP_END) {
			str_append_byte(into, ';');
			comma = true;
			continue;
		}
		str_append_text(into, comma ? ",\r\n" : "");
		append_element(into, &m, raw_between(before, list.text.rest));
		comma = m.kind != MAILBOX_GROUP_START;
	}
	bool ok = !list.failed && !into->failed;
	mailbox_list_end(&list);
	return ok;
}

/* --- parameters ------------------------------------------------------------------ */

/* Up to the next semicolon that is neither in quotes nor in a comment. */
static size_t
parameter_end(struct slice text)
{
	bool quoted = false;
	int depth = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (c == '\\' && (quoted || depth > 0))
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '(')
			depth++;
		else if (!quoted && c == ')')
			depth -= depth > 0;
		else if (!quoted && depth == 0 && c == ';')
			return i;
	}
	return text.len;
}

/* What the next byte of a value is written as. `*at` goes behind it. */
static void
append_byte(struct str *into, struct slice value, size_t *at)
{
	if (value.data[*at] == '\\' && *at + 1 < value.len)
		++*at;
	char c = value.data[(*at)++];
	if (ascii_is_alnum(c) || c == '.' || c == '-' || c == '_')
		str_append_byte(into, c);
	else
		str_append_format(into, "%%%02X", (unsigned char)c);
}

/* One parameter in the form of RFC 2231: sections 4 and, in pieces when no line can hold it, 3. */
static void
append_extended(struct str *into, struct slice name, struct slice value)
{
	bool pieces = value.len > PIECE_MOST / 3;
	for (size_t number = 0, at = 0; at < value.len; number++) {
		str_append_text(into, ";\r\n ");
		str_append_slice(into, name);
		if (pieces)
			str_append_format(into, "*%zu", number);
		str_append_text(into, number == 0 ? "*=utf-8''" : "*=");
		for (size_t start = into->len; at < value.len && into->len - start < PIECE_MOST && !into->failed;)
			append_byte(into, value, &at);
		if (into->failed)
			return;
	}
}

/* "name=value"; one without a name in ASCII, or in a form of its own already, cannot be kept. */
static void
append_parameter(struct str *into, struct slice parameter)
{
	size_t equal = slice_find(parameter, '=');
	struct slice name = slice_trim(slice_first(parameter, equal)), value = slice_trim(slice_from(parameter, equal + 1));
	if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
		value = slice_first(slice_from(value, 1), value.len - 2);
	if (name.len > 0 && name.len < PIECE_MOST / 8 && address_is_ascii(name) && !slice_has(name, '*'))
		append_extended(into, name, value);
}

/* "type/subtype; name=value; ...". False: the type itself is none. */
static bool
append_parameters(struct str *into, struct slice value)
{
	size_t end = parameter_end(value);
	struct slice type = slice_trim(slice_first(value, end));
	if (type.len == 0 || !address_is_ascii(type))
		return false;
	str_append_byte(into, ' ');
	str_append_slice(into, type);
	for (value = slice_from(value, end + 1); value.len > 0; value = slice_from(value, end + 1)) {
		end = parameter_end(value);
		struct slice one = slice_trim(slice_first(value, end));
		if (!address_is_ascii(one)) {
			append_parameter(into, one);
		} else if (one.len > 0) {
			str_append_text(into, ";\r\n ");
			str_append_slice(into, one);
		}
	}
	return !into->failed;
}

/* --- fields ------------------------------------------------------------------------ */

static bool
append_text(struct str *into, struct slice value)
{
	return encoded_unstructured(into, 0, value);
}

/* Identifiers, times, traces and signatures have no place for encoded words. */
static bool
leave_out(struct str *into, struct slice value)
{
	(void)into, (void)value;
	return false;
}

/* What is not here is text. A name that ends in a dash stands for all that begin so. */
static const struct {
	const char *name;
	bool (*append)(struct str *into, struct slice value);
} forms[] = {
	{"From", append_addresses}, {"To", append_addresses}, {"Cc", append_addresses}, {"Bcc", append_addresses},
	{"Sender", append_addresses}, {"Reply-To", append_addresses}, {"Return-Path", append_addresses},
	{"Resent-From", append_addresses}, {"Resent-To", append_addresses}, {"Resent-Cc", append_addresses},
	{"Resent-Bcc", append_addresses}, {"Resent-Sender", append_addresses}, {"Resent-Reply-To", append_addresses},
	{"Disposition-Notification-To", append_addresses},
	{"Content-Type", append_parameters}, {"Content-Disposition", append_parameters},
	{"Content-Transfer-Encoding", leave_out}, {"Content-ID", leave_out}, {"Content-Location", leave_out},
	{"Content-Language", leave_out}, {"MIME-Version", leave_out}, {"Date", leave_out}, {"Resent-Date", leave_out},
	{"Message-ID", leave_out}, {"Resent-Message-ID", leave_out}, {"In-Reply-To", leave_out}, {"References", leave_out},
	{"Received", leave_out}, {"Received-SPF", leave_out}, {"Authentication-Results", leave_out},
	{"DKIM-Signature", leave_out}, {"ARC-", leave_out}, {"List-", leave_out},
};

static bool
is_named(struct slice name, const char *form)
{
	return slice_ends(slice_of(form), "-") ? slice_starts_nocase(name, form) : slice_is_nocase(name, form);
}

static bool
append_value(struct str *into, struct slice name, struct slice value)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (is_named(name, forms[i].name))
			return forms[i].append(into, value);
	return append_text(into, value);
}

bool
surrogate_field(struct str *into, struct slice field)
{
	struct header_reader r;
	struct header_field f;
	struct str value = STR_MOST(field.len);
	if (!address_is_utf8(field))
		return str_append_slice(into, field);
	header_begin(&r, field);
	if (!header_next(&r, &f) || f.name.len == 0 || !address_is_ascii(f.name))
		return false;
	bool ok = header_unfold(&value, f.value);
	str_append_slice(into, f.name);
	str_append_byte(into, ':');
	ok = ok && append_value(into, f.name, str_slice(&value)) && str_append_text(into, "\r\n");
	str_free(&value);
	return ok;
}
