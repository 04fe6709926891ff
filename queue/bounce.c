#include "queue/bounce.h"

#include "lib/base/random.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded.h"
#include "lib/mail/utf8.h"

#define FIELD_MOST 8192

bool
bounce_needs_utf8(const struct bounce *b)
{
	return !address_is_ascii(b->to) && address_is_utf8(b->to);
}

void
bounce_clean(struct str *into, struct slice text, bool utf8)
{
	while (text.len > 0) {
		unsigned number = 0;
		size_t len = utf8_character(text, &number);
		/* U+0080 to U+009F are controls too, U+2028 and U+2029 ends of lines. */
		bool good = len > 0 && number >= ' ' && number != 0x7f && (number < 0x80 || (utf8 && number >= 0xa0)) &&
		    number != 0x2028 && number != 0x2029;
		if (good)
			str_append(into, text.data, len);
		else
			str_append_byte(into, '?');
		text = slice_from(text, len > 0 ? len : 1);
	}
}

void
bounce_add_date(struct str *s, const char *name, int64_t when)
{
	str_append_text(s, name);
	date_print(s, date_local(when));
	str_append_text(s, "\r\n");
}

static void
add_from_and_subject(struct str *s, const struct bounce *b)
{
	const struct bounce_template *t = &b->templates->of[bounce_kind(b)];
	struct str line = STR_MOST(FIELD_MOST);
	bounce_fill(&line, b, t->field[FIELD_FROM]);
	str_append_text(s, "From:");
	encoded_phrase(s, 5, str_slice(&line));
	str_append_format(s, "\r\n <MAILER-DAEMON@%s>\r\n", b->hostname);
	bounce_fill(&line, b, t->field[FIELD_SUBJECT]);
	str_append_text(s, "Subject:");
	encoded_unstructured(s, 8, str_slice(&line));
	str_append_text(s, "\r\n");
	str_free(&line);
}

static void
add_head(struct str *s, const struct bounce *b, const char *boundary)
{
	char unique[17];
	random_letters(unique, 16);
	bounce_add_date(s, "Date: ", b->now);
	add_from_and_subject(s, b);
	str_append_text(s, "To: <");
	bounce_clean(s, b->to, bounce_needs_utf8(b));
	str_append_format(s, ">\r\nMessage-ID: <%s@%s>\r\n", unique, b->hostname);
	/* RFC 3834: nobody is to answer it by a program. */
	str_append_text(s, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	str_append_format(s, "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n", boundary);
	str_append_format(s, "Content-Transfer-Encoding: %s\r\n\r\n", bounce_needs_8bit(b) ? "8bit" : "7bit");
}

bool
bounce_compose(struct str *into, const struct bounce *b)
{
	static void (*const parts[])(struct str *s, const struct bounce *b) = {
	    bounce_add_text, bounce_add_status, bounce_add_returned};
	char boundary[33];
	random_letters(boundary, 32);
	add_head(into, b, boundary);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		str_append_format(into, "--%s\r\n", boundary);
		parts[i](into, b);
		str_append_text(into, "\r\n");
	}
	str_append_format(into, "--%s--\r\n", boundary);
	return !into->failed;
}
