/* Texts in a charset, made UTF-8 piece by piece. */
#include "lib/mail/charset.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/mail/charset_within.h"
#include "lib/mail/utf8.h"

#define NOT_OPEN ((iconv_t)-1)

bool
charset_begin(struct charset_reader *r, const struct charset *charset)
{
	*r = (struct charset_reader){.charset = charset, .iconv = NOT_OPEN};
	const char *library = charset_library(charset);
	if (library != NULL)
		r->iconv = iconv_open("UTF-8", library);
	return library == NULL || r->iconv != NOT_OPEN;
}

static void
append_held(struct charset_reader *r, struct str *into)
{
	char out[32];
	char *to = out;
	size_t room = sizeof out;
	iconv(r->iconv, NULL, NULL, &to, &room);
	str_append(into, out, sizeof out - room);
}

void
charset_end(struct charset_reader *r, struct str *into)
{
	if (r->iconv == NOT_OPEN)
		return;
	append_held(r, into);
	iconv_close(r->iconv);
	r->iconv = NOT_OPEN;
}

/* Moves `*bytes` on to what is not whole. */
static void
convert(struct charset_reader *r, struct slice *bytes, struct str *into)
{
	char out[1024];
	while (bytes->len > 0 && !into->failed) {
		char *from = (char *)(uintptr_t)bytes->data, *to = out;
		size_t left = bytes->len, room = sizeof out;
		size_t n = iconv(r->iconv, &from, &left, &to, &room);
		int error = n == (size_t)-1 ? errno : 0;
		str_append(into, out, (size_t)(to - out));
		*bytes = slice_from(*bytes, bytes->len - left);
		if (error == EINVAL)
			return;
		if (error == EILSEQ) {
			utf8_append(into, 0xfffd);
			*bytes = slice_from(*bytes, 1);
		}
	}
}

/* --- GB18030's four bytes for characters beyond U+FFFF: musl counts them wrongly ------- */

#define FOUR_FIRST 0x90 /* of their first byte */

static bool
is_between(struct slice bytes, size_t at, unsigned char least, unsigned char most)
{
	return at < bytes.len && (unsigned char)bytes.data[at] >= least && (unsigned char)bytes.data[at] <= most;
}

/* How many bytes the character has; more than there are: it is not whole. */
static size_t
gb_length(struct slice bytes)
{
	if ((unsigned char)bytes.data[0] < 0x81)
		return 1;
	if (bytes.len == 1)
		return 2;
	return is_between(bytes, 1, '0', '9') ? 4 : 2;
}

static bool
gb_is_far(struct slice bytes)
{
	return is_between(bytes, 0, FOUR_FIRST, 0xe3) && is_between(bytes, 1, '0', '9') && is_between(bytes, 2, 0x81, 0xfe) &&
	       is_between(bytes, 3, '0', '9');
}

static void
gb_append_far(struct slice b, struct str *into)
{
	unsigned n = (unsigned)((unsigned char)b.data[0] - FOUR_FIRST);
	n = n * 10 + (unsigned)(b.data[1] - '0');
	n = n * 126 + (unsigned)((unsigned char)b.data[2] - 0x81);
	n = n * 10 + (unsigned)(b.data[3] - '0');
	if (!utf8_append(into, 0x10000 + n) && !into->failed)
		utf8_append(into, 0xfffd);
}

static void
gb_convert(struct charset_reader *r, struct slice *bytes, struct str *into)
{
	while (bytes->len > 0 && !into->failed) {
		size_t near = 0, len = 0;
		while (near < bytes->len && !gb_is_far(slice_from(*bytes, near)) &&
		       near + (len = gb_length(slice_from(*bytes, near))) <= bytes->len)
			near += len;
		struct slice part = slice_first(*bytes, near);
		convert(r, &part, into);
		*bytes = slice_from(*bytes, near);
		if (bytes->len == 0 || !gb_is_far(*bytes))
			return;
		gb_append_far(*bytes, into);
		*bytes = slice_from(*bytes, 4);
	}
}

static void
convert_some(struct charset_reader *r, struct slice *bytes, struct str *into)
{
	if (strcmp(charset_library(r->charset), "GB18030") == 0)
		gb_convert(r, bytes, into);
	else
		convert(r, bytes, into);
}

/* A character that was cut: byte by byte, until it is whole. */
static void
feed_held(struct charset_reader *r, struct slice *bytes, struct str *into)
{
	while (r->held_len > 0 && bytes->len > 0) {
		r->held[r->held_len++] = bytes->data[0];
		*bytes = slice_from(*bytes, 1);
		struct slice held = slice_make(r->held, r->held_len);
		convert_some(r, &held, into);
		if (held.len == sizeof r->held) {
			utf8_append(into, 0xfffd);
			held.len = 0;
		}
		memmove(r->held, held.data, held.len);
		r->held_len = held.len;
	}
}

bool
charset_feed(struct charset_reader *r, struct slice bytes, struct str *into)
{
	if (r->iconv == NOT_OPEN)
		return str_append_slice(into, bytes);
	feed_held(r, &bytes, into);
	if (bytes.len > 0)
		convert_some(r, &bytes, into);
	if (bytes.len < sizeof r->held) {
		if (bytes.len > 0)
			memcpy(r->held, bytes.data, bytes.len);
		r->held_len = bytes.len > 0 ? bytes.len : r->held_len;
	}
	return !into->failed;
}

bool
charset_append(const struct charset *charset, struct slice bytes, struct str *into)
{
	struct charset_reader r;
	charset_begin(&r, charset);
	charset_feed(&r, bytes, into);
	charset_end(&r, into);
	return !into->failed;
}
