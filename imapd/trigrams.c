#include "imapd/trigrams.h"

#include <endian.h>
#include <string.h>

#define LEAST     8   /* words of a sketch */
#define SAMPLE    256 /* words that are counted: they tell of the others, as a hash spreads evenly */
#define SPARSE    3   /* bits for each trigram at least */
#define SAYS_NONE 56  /* bits of 64: nearly any needle would be in it */

void
trigrams_clear(struct trigrams *t)
{
	memset(t, 0, sizeof *t);
}

void
trigrams_begin(struct trigrams *t)
{
	t->last = t->held = 0;
}

/* ASCII letters of both cases are one, in eight bytes at a time; some other marks as well, which does no harm. */
static uint64_t
plain(uint64_t bytes)
{
	return bytes & (UINT64_C(0xdfdfdfdfdfdfdfdf) | (bytes >> 2 & UINT64_C(0x2020202020202020)));
}

/* The first byte of a trigram is its lowest. */
static uint32_t
following(uint32_t last, char byte)
{
	return last >> 8 | (uint32_t)plain((unsigned char)byte) << 16;
}

/* Bits from the middle of a product of 64: each of them depends on all three bytes. */
static uint32_t
place(uint64_t trigram)
{
	return (uint32_t)(trigram * UINT64_C(0x9e3779b97f4a7c15) >> 44) % TRIGRAMS_BITS;
}

static void
mark(struct trigrams *t, uint64_t trigram)
{
	uint32_t at = place(trigram & 0xffffff);
	t->bits[at / 64] |= UINT64_C(1) << at % 64;
}

static void
add_bytes(struct trigrams *t, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		t->last = following(t->last, text.data[i]);
		t->held += t->held < 3;
		if (t->held == 3)
			mark(t, t->last);
	}
}

/* Those that lie within the text, six of eight bytes; returns where the first one begins that is left. */
static size_t
add_blocks(struct trigrams *t, struct slice text)
{
	size_t at = 0;
	for (uint64_t eight; at + sizeof eight <= text.len; at += 6) {
		memcpy(&eight, text.data + at, sizeof eight);
		eight = plain(le64toh(eight));
		mark(t, eight);
		mark(t, eight >> 8);
		mark(t, eight >> 16);
		mark(t, eight >> 24);
		mark(t, eight >> 32);
		mark(t, eight >> 40);
	}
	return at;
}

void
trigrams_add(struct trigrams *t, struct slice text)
{
	if (text.len <= 16) {
		add_bytes(t, text);
		return;
	}
	add_bytes(t, slice_first(text, 2));
	size_t at = add_blocks(t, text);
	trigrams_begin(t);
	add_bytes(t, slice_from(text, at));
}

static size_t
count_bits(const uint64_t *words, size_t count)
{
	size_t bits = 0;
	for (size_t i = 0; i < count; i++)
		bits += (size_t)__builtin_popcountll(words[i]);
	return bits;
}

static void
fold(uint64_t *words, size_t half)
{
	for (size_t i = 0; i < half; i++)
		words[i] |= words[half + i];
}

struct slice
trigrams_sketch(struct trigrams *t)
{
	size_t sampled = count_bits(t->bits, SAMPLE), words = TRIGRAMS_WORDS;
	size_t wanted = sampled * (TRIGRAMS_WORDS / SAMPLE) * SPARSE / 64;
	for (; words / 2 >= wanted && words > LEAST; words /= 2)
		fold(t->bits, words / 2);
	if (sampled > SAMPLE * SAYS_NONE)
		words = 0;
	return slice_make((const char *)t->bits, words * sizeof *t->bits);
}

/* --- asking -------------------------------------------------------------------------- */

void
trigrams_of_needle(struct trigram_probe *p, struct slice needle)
{
	uint32_t last = 0;
	p->count = 0;
	for (size_t i = 0; i < needle.len && p->count < TRIGRAMS_ASKED; i++) {
		last = following(last, needle.data[i]);
		if (i >= 2)
			p->places[p->count++] = place(last);
	}
}

/* As in a number of 64 bits, the bytes of which stand in this machine's order. */
static bool
has_bit(struct slice sketch, size_t at)
{
	uint64_t word;
	memcpy(&word, sketch.data + at / 64 * sizeof word, sizeof word);
	return word >> at % 64 & 1;
}

bool
trigrams_exclude(const struct trigram_probe *p, struct slice sketch)
{
	size_t bits = sketch.len * 8;
	/* Sizes are powers of two. */
	if (bits < 64 || (bits & (bits - 1)) != 0)
		return false;
	for (size_t i = 0; i < p->count; i++)
		if (!has_bit(sketch, p->places[i] & (bits - 1)))
			return true;
	return false;
}
