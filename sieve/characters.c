#include "sieve/characters.h"

#include "lib/base/ascii.h"
#include "lib/base/cursor.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/utf8.h"
#include "sieve/script.h"

#define DIGITS_MOST 8 /* of one number; leading zeros are allowed */

static bool
is_blank(int byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* 1 to `most` digits. */
static bool
take_hex(struct cursor *c, unsigned most, unsigned *number)
{
	unsigned count = 0;
	*number = 0;
	for (; count < most && ascii_hex(cursor_peek(c)) >= 0; count++)
		*number = *number << 4 | (unsigned)ascii_hex(cursor_next(c));
	return count > 0;
}

/* Numbers with blanks between, and "}". False: it is none of ours, and stays as it is. */
static bool
take_numbers(struct cursor *c, struct str *into, bool unicode, bool *wrong)
{
	do {
		unsigned number;
		cursor_take_while(c, is_blank);
		if (!take_hex(c, unicode ? DIGITS_MOST : 2, &number))
			return false;
		if (!unicode)
			str_append_byte(into, (char)number);
		else if (!utf8_append(into, number))
			*wrong = true;
		if (cursor_peek(c) != '}' && !is_blank(cursor_peek(c)))
			return false;
		cursor_take_while(c, is_blank);
	} while (!cursor_take(c, '}'));
	return true;
}

/* At "${". */
static bool
take_encoded(struct cursor *c, struct str *into, bool *wrong)
{
	struct cursor at = *c;
	size_t before = into->len;
	bool was_wrong = *wrong;
	bool hex = cursor_take_nocase(&at, "${hex:");
	if ((hex || cursor_take_nocase(&at, "${unicode:")) && take_numbers(&at, into, !hex, wrong)) {
		*c = at;
		return true;
	}
	str_truncate(into, before);
	*wrong = was_wrong;
	return false;
}

bool
sieve_characters_decode(struct slice *text, struct sieve_memory *memory)
{
	struct str decoded = STR_MOST(SIEVE_SCRIPT_MOST);
	struct cursor c = cursor_over(*text);
	bool wrong = false;
	if (!slice_has(*text, '$'))
		return true;
	while (!cursor_at_end(&c))
		if (cursor_peek(&c) != '$' || !take_encoded(&c, &decoded, &wrong))
			str_append_byte(&decoded, (char)cursor_next(&c));
	wrong = wrong || decoded.failed || !address_is_utf8(str_slice(&decoded)) || slice_has(str_slice(&decoded), '\0');
	if (!wrong)
		*text = sieve_keep(memory, str_slice(&decoded));
	str_free(&decoded);
	return !wrong && text->data != NULL;
}
