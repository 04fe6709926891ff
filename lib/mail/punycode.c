#include "lib/mail/punycode.h"

#include <string.h>

#include "lib/mail/utf8.h"

/* RFC 3492 section 5. */
#define BASE          36
#define LEAST_DIGIT   1  /* tmin */
#define MOST_DIGIT    26 /* tmax */
#define SKEW          38
#define DAMP          700
#define FIRST_BIAS    72
#define FIRST_BEYOND  0x80
/* No state is ever beyond this: each character at each place. So nothing below overflows. */
#define STATES_MOST   ((UTF8_CHARACTER_MOST + 1) * (PUNYCODE_CHARACTERS_MOST + 1))

static unsigned
adapt(unsigned delta, size_t places, bool first)
{
	unsigned bias = 0;
	delta /= first ? DAMP : 2;
	delta += delta / (unsigned)places;
	for (; delta > (BASE - LEAST_DIGIT) * MOST_DIGIT / 2; bias += BASE)
		delta /= BASE - LEAST_DIGIT;
	return bias + (BASE - LEAST_DIGIT + 1) * delta / (delta + SKEW);
}

/* What a digit at a place must be less than to be the last one. */
static unsigned
threshold(unsigned place, unsigned bias)
{
	if (place <= bias + LEAST_DIGIT)
		return LEAST_DIGIT;
	return place >= bias + MOST_DIGIT ? MOST_DIGIT : place - bias;
}

/* --- encoding ------------------------------------------------------------------------- */

static void
put_digit(struct str *into, unsigned digit)
{
	str_append_byte(into, "abcdefghijklmnopqrstuvwxyz0123456789"[digit]);
}

static void
put_delta(struct str *into, unsigned delta, unsigned bias)
{
	unsigned place = BASE;
	for (;; place += BASE) {
		unsigned t = threshold(place, bias);
		if (delta < t)
			break;
		put_digit(into, t + (delta - t) % (BASE - t));
		delta = (delta - t) / (BASE - t);
	}
	put_digit(into, delta);
}

/* The least character that is not done yet. */
static unsigned
next_character(const unsigned *characters, size_t count, unsigned least)
{
	unsigned next = UTF8_CHARACTER_MOST + 1;
	for (size_t i = 0; i < count; i++)
		if (characters[i] >= least && characters[i] < next)
			next = characters[i];
	return next;
}

static size_t
put_basic(struct str *into, const unsigned *characters, size_t count)
{
	size_t basic = 0;
	for (size_t i = 0; i < count; i++)
		if (characters[i] < FIRST_BEYOND) {
			str_append_byte(into, (char)characters[i]);
			basic++;
		}
	if (basic > 0)
		str_append_byte(into, '-');
	return basic;
}

bool
punycode_encode(const unsigned *characters, size_t count, struct str *into)
{
	unsigned least = FIRST_BEYOND, delta = 0, bias = FIRST_BIAS;
	if (count > PUNYCODE_CHARACTERS_MOST)
		return false;
	size_t basic = put_basic(into, characters, count), done = basic;
	while (done < count) {
		unsigned next = next_character(characters, count, least);
		if (next > UTF8_CHARACTER_MOST)
			return false;
		delta += (next - least) * (unsigned)(done + 1);
		for (size_t i = 0; i < count; i++) {
			delta += characters[i] < next;
			if (characters[i] != next)
				continue;
			put_delta(into, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		least = next + 1;
	}
	return !into->failed;
}

/* --- decoding ---------------------------------------------------------------------------- */

static unsigned
digit_of(char byte)
{
	int c = ascii_lower((unsigned char)byte);
	if (ascii_is_alpha(c))
		return (unsigned)(c - 'a');
	return ascii_is_digit(c) ? (unsigned)(c - '0') + 26 : BASE;
}

/* Adds the next number to `*state`. */
static bool
take_delta(struct slice *text, unsigned bias, unsigned *state)
{
	unsigned weight = 1, place = BASE;
	for (;; place += BASE) {
		unsigned digit = text->len > 0 ? digit_of(text->data[0]) : BASE;
		if (digit == BASE || digit * (unsigned long long)weight > STATES_MOST - *state)
			return false;
		*text = slice_from(*text, 1);
		*state += digit * weight;
		unsigned t = threshold(place, bias);
		if (digit < t)
			return true;
		if (weight > STATES_MOST / (BASE - t))
			return false;
		weight *= BASE - t;
	}
}

/* What stands before the last hyphen is ASCII as it is. */
static bool
take_basic(struct slice *text, unsigned *characters, size_t *count)
{
	size_t hyphen = slice_find_last(*text, '-');
	*count = hyphen < text->len ? hyphen : 0;
	if (*count > PUNYCODE_CHARACTERS_MOST)
		return false;
	for (size_t i = 0; i < *count; i++) {
		characters[i] = (unsigned char)text->data[i];
		if (characters[i] >= FIRST_BEYOND)
			return false;
	}
	*text = slice_from(*text, *count > 0 ? hyphen + 1 : 0);
	return true;
}

bool
punycode_decode(struct slice text, unsigned characters[PUNYCODE_CHARACTERS_MOST], size_t *count)
{
	unsigned next = FIRST_BEYOND, state = 0, bias = FIRST_BIAS;
	if (!take_basic(&text, characters, count))
		return false;
	for (bool first = true; text.len > 0; first = false) {
		unsigned before = state;
		if (*count == PUNYCODE_CHARACTERS_MOST || !take_delta(&text, bias, &state))
			return false;
		size_t places = *count + 1;
		bias = adapt(state - before, places, first);
		next += state / (unsigned)places;
		state %= (unsigned)places;
		if (!utf8_is_character(next))
			return false;
		memmove(characters + state + 1, characters + state, (*count - state) * sizeof *characters);
		characters[state++] = next;
		++*count;
	}
	return true;
}
