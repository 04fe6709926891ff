/* The part for programs: message/delivery-status, or message/global-delivery-status in a letter with SMTPUTF8 (RFC 3464, 6533). */
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/encoded.h"
#include "lib/mail/utf8.h"
#include "queue/bounce.h"

/* Tens of thousands of recipients may have failed. So much is said of them; the text counts all. */
#define PROGRAMS_MOST (4u << 20)
#define VALUE_MOST    4096 /* of a field, before it is folded */

/* A remote's words in the text of an outcome: "HOST[IP]:PORT said after RCPT TO: 550 5.1.1 no such user". */
struct reply {
	struct slice host, text;
};

/* --- lines ---------------------------------------------------------------------------- */

/* "Name: type; value", folded. `value` is clean. */
static void
add_typed(struct str *s, const char *name, const char *type, struct slice value)
{
	size_t before = s->len;
	str_append_format(s, "%s: %s;", name, type);
	folded_append(s, s->len - before, value, "");
	str_append_text(s, "\r\n");
}

/* Of text that another wrote. */
static void
add_cleaned(struct str *s, const char *name, const char *type, struct slice text, bool utf8)
{
	struct str value = STR_MOST(3 * VALUE_MOST);
	bounce_clean(&value, slice_first(text, VALUE_MOST), utf8);
	add_typed(s, name, type, str_slice(&value));
	str_free(&value);
}

/* --- addresses (RFC 6533 section 3) ------------------------------------------------------ */

/* utf-8-addr-xtext: what is not plain ASCII as \x{HEX}. `text` is UTF-8. */
static void
append_embedded(struct str *into, struct slice text, bool keep_escapes)
{
	unsigned number = 0;
	while (text.len > 0) {
		size_t len = utf8_character(text, &number);
		if (len == 0)
			return;
		bool plain = number > ' ' && number <= '~' && number != '+' && number != '=' && (number != '\\' || keep_escapes);
		if (plain)
			str_append_byte(into, (char)number);
		else
			str_append_format(into, "\\x{%02X}", number);
		text = slice_from(text, len);
	}
}

/* An address as it is in the envelope. */
static void
add_address(struct str *s, const char *name, struct slice address, bool utf8)
{
	if (address_is_ascii(address) || !address_is_utf8(address)) {
		add_cleaned(s, name, "rfc822", address, false);
	} else if (utf8) {
		add_cleaned(s, name, "utf-8", address, true);
	} else {
		struct str value = STR_MOST(3 * VALUE_MOST);
		append_embedded(&value, slice_first(address, VALUE_MOST / 4), false);
		add_typed(s, name, "utf-8", str_slice(&value));
		str_free(&value);
	}
}

/* What a client gave as xtext (RFC 3461 section 4), decoded; what it would make of the line's end stays encoded. */
static void
append_decoded(struct str *s, struct slice xtext)
{
	for (size_t i = 0; i < xtext.len; i++) {
		bool coded = xtext.data[i] == '+' && xtext.len - i > 2;
		int high = coded ? ascii_hex_upper(xtext.data[i + 1]) : -1, low = coded ? ascii_hex_upper(xtext.data[i + 2]) : -1;
		int byte = 16 * high + low;
		if (high < 0 || low < 0 || byte < ' ' || byte > '~') {
			str_append_byte(s, xtext.data[i]);
			continue;
		}
		str_append_byte(s, (char)byte);
		i += 2;
	}
}

static bool
is_type(struct slice type)
{
	for (size_t i = 0; i < type.len; i++)
		if (!ascii_is_alnum(type.data[i]) && type.data[i] != '-')
			return false;
	return type.len > 0 && type.len <= 32;
}

/* "rfc822;xtext" or "utf-8;..." as the client gave it, `escaped` by the file; false when it gave none that is right. */
static bool
add_given(struct str *s, struct slice escaped, bool utf8)
{
	char given[VALUE_MOST];
	size_t len = escaped.len, semicolon = slice_find(escaped, ';');
	if (len > sizeof given || semicolon == len || !is_type(slice_first(escaped, semicolon)))
		return false;
	memcpy(given, escaped.data, len);
	if (!queue_file_unescape(given, &len))
		return false;
	struct slice type = slice_make(given, semicolon), text = slice_from(slice_make(given, len), semicolon + 1);
	struct str name = STR_MOST(64), value = STR_MOST(3 * VALUE_MOST);
	str_append_slice(&name, type);
	bool is_utf8 = slice_is_nocase(type, "utf-8");
	if (is_utf8 && !utf8)
		append_embedded(&value, text, true);
	else if (is_utf8)
		bounce_clean(&value, text, true);
	else
		append_decoded(&value, text);
	add_cleaned(s, "Original-Recipient", str_text(&name), str_slice(&value), utf8);
	str_free(&name);
	str_free(&value);
	return true;
}

static void
add_original(struct str *s, const struct bounce *b, const struct file_recipient *r)
{
	const struct file_recipient *original = queue_file_original(b->file, r);
	struct slice given;
	bool utf8 = bounce_needs_utf8(b);
	if (queue_file_recipient_key(original, "orcpt", &given) && add_given(s, given, utf8))
		return;
	if (original != r)
		add_address(s, "Original-Recipient", original->address, utf8);
}

/* --- what happened -------------------------------------------------------------------------- */

static bool
is_host_byte(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* Where a reply begins: "550 " behind a space. Its end when there is none. */
static size_t
find_reply(struct slice text)
{
	for (size_t i = 1; i + 3 <= text.len; i++) {
		const char *at = text.data + i;
		if (at[-1] == ' ' && at[0] >= '2' && at[0] <= '5' && ascii_is_digit(at[1]) && ascii_is_digit(at[2]) &&
		    (i + 3 == text.len || at[3] == ' '))
			return i;
	}
	return text.len;
}

static bool
find_remote(struct slice text, struct reply *reply)
{
	if (slice_starts(text, REPORT_TOO_OLD)) {
		text = slice_from(text, strlen(REPORT_TOO_OLD));
		text = slice_from(text, slice_find(text, ' ') + 1);
	}
	size_t host = 0, word = slice_find(text, ' ');
	while (host < word && is_host_byte(text.data[host]))
		host++;
	struct slice rest = slice_from(text, word + 1);
	if (host == 0 || (host < word && text.data[host] != '[' && text.data[host] != ':') || 
	    (!slice_starts(rest, "said ") && !slice_starts(rest, "answered ")))
		return false;
	size_t at = find_reply(rest);
	*reply = (struct reply){.host = slice_first(text, host), .text = slice_from(rest, at)};
	return at < rest.len;
}

static void
add_diagnostic(struct str *s, const struct file_recipient *r)
{
	struct reply reply;
	if (find_remote(r->text, &reply)) {
		add_cleaned(s, "Remote-MTA", "dns", reply.host, false);
		add_cleaned(s, "Diagnostic-Code", "smtp", reply.text, false);
	} else if (r->text.len > 0) {
		add_cleaned(s, "Diagnostic-Code", "x-postern", r->text, false);
	}
}

/* As RFC 3464 section 2.3.4 wants it, whatever stands in the file; of the class that fits the action. */
static void
add_status(struct str *s, const struct file_recipient *r, enum report what)
{
	static const char *const usual[] = {[REPORT_FAILED] = "5.0.0", [REPORT_DELAYED] = "4.0.0", [REPORT_DELIVERED] = "2.0.0",
	    [REPORT_RELAYED] = "2.0.0", [REPORT_EXPANDED] = "2.0.0"};
	struct slice code = r->code;
	size_t dots = 0, digits = 0;
	for (size_t i = 0; i < code.len; i++) {
		dots += code.data[i] == '.';
		digits += ascii_is_digit(code.data[i]);
	}
	bool right = dots == 2 && dots + digits == code.len && digits >= 3 && code.data[0] == usual[what][0] && what != REPORT_EXPANDED;
	str_append_text(s, "Status: ");
	str_append_slice(s, right ? code : slice_of(usual[what]));
	str_append_text(s, "\r\n");
}

static void
add_recipient(struct str *s, const struct bounce *b, const struct file_recipient *r, enum report what)
{
	str_append_text(s, "\r\n");
	add_original(s, b, r);
	add_address(s, "Final-Recipient", r->address, bounce_needs_utf8(b));
	str_append_format(s, "Action: %s\r\n", report_word(what));
	add_status(s, r, what);
	if (what == REPORT_EXPANDED)
		return;
	add_diagnostic(s, r);
	bounce_add_date(s, "Last-Attempt-Date: ", b->attempted);
	if (what == REPORT_DELAYED && !b->file->released)
		bounce_add_date(s, "Will-Retry-Until: ", (int64_t)(b->file->arrival / 1000000 + b->life));
}

static void
add_envelope_id(struct str *s, const struct bounce *b)
{
	char given[VALUE_MOST];
	struct str value = STR_MOST(VALUE_MOST);
	queue_file_with_text(b->file, "envid", given, sizeof given);
	append_decoded(&value, slice_of(given));
	size_t before = s->len;
	if (value.len > 0) {
		struct str clean = STR_MOST(VALUE_MOST);
		bounce_clean(&clean, str_slice(&value), false);
		str_append_text(s, "Original-Envelope-Id:");
		folded_append(s, s->len - before, str_slice(&clean), "");
		str_append_text(s, "\r\n");
		str_free(&clean);
	}
	str_free(&value);
}

void
bounce_add_status(struct str *s, const struct bounce *b)
{
	char id[ID_LETTERS + 1];
	id_print(b->file->id, id);
	if (bounce_needs_utf8(b))
		str_append_text(s, "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
	else
		str_append_text(s, "Content-Type: message/delivery-status\r\n\r\n");
	str_append_format(s, "Reporting-MTA: dns; %s\r\nX-Postern-Queue-Id: %s\r\n", b->hostname, id);
	add_envelope_id(s, b);
	bounce_add_date(s, "Arrival-Date: ", (int64_t)(b->file->arrival / 1000000));
	size_t start = s->len;
	for (size_t i = 0; i < b->file->count && s->len - start < PROGRAMS_MOST; i++) {
		const struct file_recipient *r = &b->file->recipients[i];
		enum report what = report_of(b->file, r, b->late);
		if (what != REPORT_NOTHING)
			add_recipient(s, b, r, what);
	}
}
