#include "imapd/trigrams.h"

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

/* ASCII letters of both cases are one. Some other marks as well, which does no harm. */
static uint32_t
plain(unsigned char byte)
{
	return byte & (0xdfu | (byte >> 2 & 0x20u));
}

static uint32_t
following(uint32_t last, char byte)
{
	return (last << 8 | plain((unsigned char)byte)) & 0xffffffu;
}

/* Bits from the middle of a product of 64: each of them depends on all three bytes. */
static uint32_t
place(uint32_t trigram)
{
	return (uint32_t)((trigram * UINT64_C(0x9e3779b97f4a7c15)) >> 44) % TRIGRAMS_BITS;
}

void
trigrams_add(struct trigrams *t, struct slice text)
{
	uint32_t last = t->last;
	size_t i = 0;
	for (; i < text.len && t->held < 2; i++, t->held++)
		last = following(last, text.data[i]);
	for (; i < text.len; i++) {
		last = following(last, text.data[i]);
		uint32_t at = place(last);
		t->bits[at / 64] |= UINT64_C(1) << at % 64;
	}
	t->last = last;
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
