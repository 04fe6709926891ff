/* Sequence sets: "2,4:7,9,12:*" (RFC 3501 section 9), as message numbers or UIDs. */
#ifndef IMAPD_SEQUENCE_H
#define IMAPD_SEQUENCE_H

#include "imapd/parse.h"

#define SEQUENCE_STAR 0 /* "*": the largest number in use; no message has this one */

struct sequence_range {
	uint32_t first, last; /* first <= last, once resolved */
};

/* Sorted ranges that do not touch, once resolved. */
struct sequence_set {
	size_t                 count;
	struct sequence_range *ranges;
	bool                   saved;  /* it was "$" (RFC 5182): targets_resolve() puts the saved one there */
};

/* Reads a set, or "$"; "*" stays SEQUENCE_STAR until sequence_resolve(). */
bool parse_sequence_set(struct parser *p, struct sequence_set *set);

/* Puts `largest` (0: nothing there) for "*", sorts and merges. */
void sequence_resolve(struct sequence_set *set, uint32_t largest);

/* Whether a resolved set holds the number; by bisection. */
bool sequence_has(const struct sequence_set *set, uint32_t number);
/* The largest number of a resolved set; 0 for an empty one. */
uint32_t sequence_largest(const struct sequence_set *set);

#endif
