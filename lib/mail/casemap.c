#include "lib/mail/casemap.h"

#include <stdint.h>
#include <string.h>

#include "lib/mail/casemap_tables.h"
#include "lib/mail/utf8.h"

/* Hangul syllables are taken apart by counting (Unicode, section 3.12). */
#define HANGUL_FIRST  0xac00u
#define HANGUL_COUNT  11172u
#define HANGUL_ROW    588u /* syllables with one leading consonant */
#define HANGUL_COLUMN 28u  /* with one vowel */
#define HANGUL_LEAD   0x1100u
#define HANGUL_VOWEL  0x1161u
#define HANGUL_TAIL   0x11a7u

#define WIDE_FIRST    0xff01u /* full width forms of ASCII */
#define WIDE_LAST     0xff5eu
#define WIDE_DISTANCE 0xfee0u

static bool
append_hangul(struct str *into, unsigned syllable)
{
	utf8_append(into, HANGUL_LEAD + syllable / HANGUL_ROW);
	bool ok = utf8_append(into, HANGUL_VOWEL + syllable % HANGUL_ROW / HANGUL_COLUMN);
	unsigned tail = syllable % HANGUL_COLUMN;
	return tail == 0 ? ok : utf8_append(into, HANGUL_TAIL + tail);
}

/* Parts have parts in turn, four levels at most. */
static bool
append_parts(struct str *into, unsigned character)
{
	unsigned first, second;
	if (character >= WIDE_FIRST && character <= WIDE_LAST)
		character -= WIDE_DISTANCE;
	if (character < 0x80)
		return str_append_byte(into, (char)ascii_upper((int)character));
	if (character - HANGUL_FIRST < HANGUL_COUNT)
		return append_hangul(into, character - HANGUL_FIRST);
	if (!casemap_parts(character, &first, &second))
		return utf8_append(into, character);
	return append_parts(into, first) && (second == 0 || append_parts(into, second));
}

/* A run of ASCII at once. */
static size_t
append_ascii(struct str *into, struct slice text)
{
	uint64_t eight;
	size_t len = 0;
	for (; len + sizeof eight <= text.len; len += sizeof eight) {
		memcpy(&eight, text.data + len, sizeof eight);
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (len < text.len && (unsigned char)text.data[len] < 0x80)
		len++;
	size_t at = into->len;
	if (str_append(into, text.data, len))
		for (size_t i = 0; i < len; i++)
			into->data[at + i] = (char)ascii_upper((unsigned char)text.data[i]);
	return len;
}

bool
casemap_append(struct str *into, struct slice text)
{
	while (text.len > 0 && !into->failed) {
		unsigned character;
		size_t len = append_ascii(into, text);
		text = slice_from(text, len);
		if (text.len == 0)
			break;
		len = utf8_character(text, &character);
		if (len == 0)
			str_append_byte(into, text.data[0]);
		else
			append_parts(into, casemap_title(character));
		text = slice_from(text, len == 0 ? 1 : len);
	}
	return !into->failed;
}

bool
casemap_is_ascii(struct slice text)
{
	uint64_t bits = 0, eight;
	size_t at = 0;
	for (; at + sizeof eight <= text.len; at += sizeof eight) {
		memcpy(&eight, text.data + at, sizeof eight);
		bits |= eight;
	}
	for (; at < text.len; at++)
		bits |= (unsigned char)text.data[at];
	return (bits & 0x8080808080808080u) == 0;
}

size_t
casemap_whole(struct slice text)
{
	size_t at = text.len;
	while (at > 0 && text.len - at < 3 && ((unsigned char)text.data[at - 1] & 0xc0) == 0x80)
		at--;
	if (at == 0)
		return text.len;
	unsigned char lead = (unsigned char)text.data[at - 1];
	size_t wanted = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	return text.len - (at - 1) < wanted ? at - 1 : text.len;
}
