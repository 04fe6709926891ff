/* sources: imapd/visible.c lib/mail/utf8.c lib/base/ascii.c lib/base/cursor.c lib/base/number.c lib/base/slice.c lib/base/str.c */
/*
 * What PREVIEW shows of a hostile text: never more characters than asked for,
 * one line of UTF-8, and the same whether it comes whole or in pieces.
 */
#include <stdint.h>
#include <stdlib.h>

#include "imapd/visible.h"
#include "lib/mail/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHARACTERS 50

static void
show(struct slice text, size_t piece, bool html, struct str *into)
{
	struct visible v;
	struct str waiting = STR_MOST(1 << 16);
	visible_begin(&v, into, CHARACTERS, html, true);
	for (; text.len > 0; text = slice_from(text, piece)) {
		str_append_slice(&waiting, slice_first(text, piece));
		size_t taken = visible_feed(&v, str_slice(&waiting));
		if (!v.full && waiting.len - taken > 3)
			abort();
		str_consume(&waiting, taken);
	}
	str_free(&waiting);
}

static void
check(struct slice shown)
{
	size_t count = 0;
	unsigned c;
	for (size_t len; shown.len > 0; shown = slice_from(shown, len), count++) {
		len = utf8_character(shown, &c);
		if (len == 0 || c < ' ' || c == 0x7f)
			abort();
	}
	if (count > CHARACTERS)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str whole = STR_MOST(CHARACTERS * 4), pieces = STR_MOST(CHARACTERS * 4);
	if (size < 1)
		return 0;
	struct slice text = slice_make((const char *)data + 1, size - 1);
	show(text, text.len + 1, data[0] & 1, &whole);
	show(text, (data[0] >> 1) % 7 + 1, data[0] & 1, &pieces);
	check(str_slice(&whole));
	if (!slice_equal(str_slice(&whole), str_slice(&pieces)))
		abort();
	str_free(&whole);
	str_free(&pieces);
	return 0;
}
