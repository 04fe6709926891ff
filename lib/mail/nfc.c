#include "lib/mail/nfc.h"

#include "lib/mail/nfc_rows.h"
#include "lib/mail/utf8.h"

/* Hangul syllables: a leading consonant, a vowel, and perhaps a trailing consonant (Unicode, section 3.12). */
enum {
	SYLLABLES = 0xac00, LEADING = 0x1100, VOWELS = 0x1161, TRAILING = 0x11a7,
	LEADING_COUNT = 19, VOWEL_COUNT = 21, TRAILING_COUNT = 28, SYLLABLE_COUNT = LEADING_COUNT * VOWEL_COUNT * TRAILING_COUNT
};

struct characters {
	uint32_t list[NFC_MOST];
	size_t   count;
};

static bool
parts_of(uint32_t c, uint32_t *first, uint32_t *second)
{
	if (c < SYLLABLES || c >= SYLLABLES + SYLLABLE_COUNT)
		return nfc_parts(c, first, second);
	uint32_t trailing = (c - SYLLABLES) % TRAILING_COUNT, pair = (c - SYLLABLES) / TRAILING_COUNT;
	*first = trailing > 0 ? c - trailing : LEADING + pair / VOWEL_COUNT;
	*second = trailing > 0 ? TRAILING + trailing : VOWELS + pair % VOWEL_COUNT;
	return true;
}

/* 0: they stay two. */
static uint32_t
join(uint32_t a, uint32_t b)
{
	if (a >= LEADING && a < LEADING + LEADING_COUNT && b >= VOWELS && b < VOWELS + VOWEL_COUNT)
		return SYLLABLES + ((a - LEADING) * VOWEL_COUNT + b - VOWELS) * TRAILING_COUNT;
	bool open = a >= SYLLABLES && a < SYLLABLES + SYLLABLE_COUNT && (a - SYLLABLES) % TRAILING_COUNT == 0;
	if (open && b > TRAILING && b < TRAILING + TRAILING_COUNT)
		return a + b - TRAILING;
	return nfc_composite(a, b);
}

/* A mark goes where its class wants it. */
static bool
place(struct characters *to, uint32_t c)
{
	if (to->count == NFC_MOST)
		return false;
	unsigned class = nfc_class(c);
	size_t at = to->count++;
	for (; class > 0 && at > 0 && nfc_class(to->list[at - 1]) > class; at--)
		to->list[at] = to->list[at - 1];
	to->list[at] = c;
	return true;
}

/* The second part is never composed itself, the first one three times at most. */
static bool
add(struct characters *to, uint32_t c)
{
	uint32_t first, second;
	if (!parts_of(c, &first, &second))
		return place(to, c);
	return add(to, first) && place(to, second);
}

static void
compose(struct characters *all)
{
	size_t starter = 0, kept = 0;
	unsigned before = 1; /* the class of what was kept last; of the first nothing is known */
	for (size_t i = 0; i < all->count; i++) {
		uint32_t c = all->list[i];
		unsigned class = nfc_class(c);
		bool reaches = kept > 0 && nfc_class(all->list[starter]) == 0 && (kept == starter + 1 || before < class);
		uint32_t joined = reaches ? join(all->list[starter], c) : 0;
		if (joined != 0) {
			all->list[starter] = joined;
			continue;
		}
		if (class == 0)
			starter = kept;
		all->list[kept++] = c;
		before = class;
	}
	all->count = kept;
}

/* Taken apart and put together again it is the same. */
bool
nfc_is(struct slice text)
{
	struct characters all = {.count = 0};
	unsigned c;
	for (struct slice rest = text; rest.len > 0;) {
		size_t len = utf8_character(rest, &c);
		if (len == 0 || nfc_excluded(c) || !add(&all, c))
			return false;
		rest = slice_from(rest, len);
	}
	compose(&all);
	for (size_t i = 0; i < all.count; i++) {
		size_t len = utf8_character(text, &c);
		if (len == 0 || c != all.list[i])
			return false;
		text = slice_from(text, len);
	}
	return text.len == 0;
}
