/*
 * Sketches of texts: which three bytes stand one behind the other in them, as
 * bits at places that a hash says. A text has a needle only if its sketch has
 * the bits of all the needle's trigrams; mostly one of them is missing.
 *
 * Texts and needles are folded, or ASCII in any case (finder.h). A sketch has
 * 3 to 6 bits for each different trigram, so that of a needle's trigrams that
 * are not in the text one in five has its bit all the same.
 */
#ifndef IMAPD_TRIGRAMS_H
#define IMAPD_TRIGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define TRIGRAMS_BITS  131072u /* of a sketch at most; those that are smaller are it, folded */
#define TRIGRAMS_WORDS (TRIGRAMS_BITS / 64)
#define TRIGRAMS_ASKED 48      /* of a needle */

/* What is gathered of a message. */
struct trigrams {
	uint64_t bits[TRIGRAMS_WORDS];
	uint32_t last; /* the three bytes before */
	uint32_t held; /* how many of those there are */
};

void trigrams_clear(struct trigrams *t);
/* Another text begins. */
void trigrams_begin(struct trigrams *t);
/* What comes next of the text. */
void trigrams_add(struct trigrams *t, struct slice text);
/* The sketch, which is made within `t`, so that it must be cleared before more is added. Empty: it would say nothing. */
struct slice trigrams_sketch(struct trigrams *t);

/* The first ones of a needle. None: nothing can be said of it. */
struct trigram_probe {
	uint32_t places[TRIGRAMS_ASKED];
	size_t   count;
};

void trigrams_of_needle(struct trigram_probe *p, struct slice needle);
/* Whether the text of that sketch, or what is claimed to be one, certainly has it not. */
bool trigrams_exclude(const struct trigram_probe *p, struct slice sketch);

#endif
