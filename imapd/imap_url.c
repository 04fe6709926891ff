#include "imapd/imap_url.h"

#include <stdio.h>

#include "lib/base/ascii.h"
#include "lib/store/utf7.h"

#define NAME_BYTES_MOST 1000 /* of a folder's name, decoded */
#define SHOWN_MOST      1000

/* Where `word` begins in the text, without regard to case; text.len: nowhere. */
static size_t
find(struct slice text, const char *word)
{
	for (size_t i = 0; i < text.len; i++)
		if (slice_starts_nocase(slice_from(text, i), word))
			return i;
	return text.len;
}

/* Takes what stands behind `word`, if it is there, off the end of the text. */
static bool
take_tail(struct slice *text, const char *word, struct slice *tail)
{
	size_t at = find(*text, word);
	if (at == text->len)
		return false;
	*tail = slice_from(*text, at + slice_of(word).len);
	*text = slice_first(*text, at);
	return true;
}

/* nz-number, which is all. */
static bool
number_of(struct slice text, uint32_t *number)
{
	struct cursor c = cursor_over(text);
	uint64_t n;
	if (!cursor_take_nz_number(&c, UINT32_MAX, &n) || !cursor_at_end(&c))
		return false;
	*number = (uint32_t)n;
	return true;
}

/* Without its %XX. NULL data: broken, or no memory. */
static struct slice
decoded(struct slice text, struct scratch *scratch)
{
	struct slice nothing = slice_make(NULL, 0);
	char *bytes = scratch_take(scratch, text.len + 1);
	size_t len = 0;
	if (bytes == NULL)
		return nothing;
	for (size_t i = 0; i < text.len; i++, len++) {
		bytes[len] = text.data[i];
		if (text.data[i] != '%')
			continue;
		int high = i + 2 < text.len ? ascii_hex((unsigned char)text.data[i + 1]) : -1;
		int low = i + 2 < text.len ? ascii_hex((unsigned char)text.data[i + 2]) : -1;
		if (high < 0 || low < 0)
			return nothing;
		bytes[len] = (char)(high << 4 | low);
		i += 2;
	}
	return slice_make(bytes, len);
}

/* URLs have folders' names in UTF-8 (RFC 5092 section 8). */
static bool
parse_mailbox(struct imap_url *u, struct slice text, struct scratch *scratch)
{
	struct slice validity;
	if (take_tail(&text, ";UIDVALIDITY=", &validity) && !number_of(validity, &u->uidvalidity))
		return false;
	if (text.len == 0)
		return u->uidvalidity == 0;
	struct slice name = decoded(text, scratch);
	struct str utf7 = STR_MOST(NAME_BYTES_MOST);
	bool ok = name.data != NULL && utf7_from_utf8(&utf7, name);
	u->mailbox = slice_of(ok ? scratch_copy(scratch, str_slice(&utf7)) : NULL);
	str_free(&utf7);
	return u->mailbox.len > 0;
}

static bool
parse_url_section(struct imap_url *u, struct slice text, struct scratch *scratch)
{
	struct parser p = parser_over(decoded(text, scratch), scratch);
	return text.len > 0 && parse_section(&p, &u->section) && cursor_at_end(&p.c);
}

/* offset ["." length] */
static bool
parse_url_partial(struct imap_url *u, struct slice text)
{
	struct cursor c = cursor_over(text);
	uint64_t offset, length = UINT32_MAX;
	u->partial = true;
	if (!cursor_take_number(&c, UINT32_MAX, &offset) || (cursor_take(&c, '.') && !cursor_take_nz_number(&c, UINT32_MAX, &length)))
		return false;
	u->offset = (uint32_t)offset;
	u->length = (uint32_t)length;
	return cursor_at_end(&c);
}

bool
imap_url_parse(struct imap_url *u, struct slice text, struct scratch *scratch)
{
	struct slice tail;
	*u = (struct imap_url){.section = {.text = SECTION_ALL}};
	if (slice_starts(text, "//") || slice_has(text, '\0'))
		return false;
	if (slice_starts(text, "/"))
		text = slice_from(text, 1);
	if (take_tail(&text, "/;PARTIAL=", &tail) && !parse_url_partial(u, tail))
		return false;
	if (take_tail(&text, "/;SECTION=", &tail) && !parse_url_section(u, tail, scratch))
		return false;
	if (!take_tail(&text, "/;UID=", &tail)) {
		if (!slice_starts_nocase(text, ";UID="))
			return false;
		tail = slice_from(text, 5);
		text = slice_make(NULL, 0);
	}
	/* Of another server it would be "imap://host/...": no name of a folder has a slash. */
	return number_of(tail, &u->uid) && !slice_has(text, '/') && parse_mailbox(u, text, scratch);
}

char *
imap_url_shown(struct slice text, struct scratch *scratch)
{
	text = slice_first(text, SHOWN_MOST);
	char *shown = scratch_take(scratch, text.len * 3 + 1);
	size_t len = 0;
	for (size_t i = 0; shown != NULL && i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool plain = c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != ']';
		if (plain)
			shown[len++] = (char)c;
		else
			len += (size_t)snprintf(shown + len, 4, "%%%02X", c);
	}
	return shown;
}
