/* What comes back of the message: all of it, or its header (RFC 6522 section 2, RFC 6533 section 5). */
#include "lib/mail/address.h"
#include "lib/mail/encoded.h"
#include "lib/mail/header.h"
#include "queue/bounce.h"

/* Its header is in UTF-8, by a client that said so. */
static bool
is_global(const struct bounce *b, struct slice header)
{
	struct slice said;
	return queue_file_with(b->file, "smtputf8", &said) && slice_is(said, "1") && !address_is_ascii(header);
}

static void
add_as_it_is(struct str *s, const char *type, struct slice text)
{
	str_append_format(s, "Content-Type: %s\r\n", type);
	str_append_format(s, "Content-Transfer-Encoding: %s\r\n\r\n", address_is_ascii(text) ? "7bit" : "8bit");
	str_append_slice(s, text);
}

static void
add_encoded(struct str *s, const char *type, struct slice text)
{
	str_append_format(s, "Content-Type: %s\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
	quoted_printable_encode(s, text);
}

bool
bounce_needs_8bit(const struct bounce *b)
{
	struct slice header = slice_first(b->returned, header_end(b->returned));
	bool whole = b->whole && text_is_lines(b->returned) && !address_is_ascii(b->returned);
	return bounce_needs_utf8(b) || (whole && !is_global(b, header));
}

void
bounce_add_returned(struct str *s, const struct bounce *b)
{
	bool wide = bounce_needs_utf8(b);
	struct slice header = slice_first(b->returned, header_end(b->returned));
	bool global = is_global(b, header);
	if (b->whole && text_is_lines(b->returned)) {
		/* A message/rfc822 may not be encoded, a message/global may (RFC 6532 section 3.7). */
		if (global && !wide)
			add_encoded(s, "message/global", b->returned);
		else
			add_as_it_is(s, global ? "message/global" : "message/rfc822", b->returned);
		return;
	}
	const char *type = global ? "message/global-headers" : "text/rfc822-headers";
	if (text_is_lines(header) && (address_is_ascii(header) || (global && wide)))
		add_as_it_is(s, type, header);
	else
		add_encoded(s, type, header);
}
