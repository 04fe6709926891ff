/*
 * What SEARCH and SORT answer: the old way, or as ESEARCH with result options
 * (RFC 4731, 5267, 9394), and what SAVE keeps for "$" (RFC 5182).
 */
#ifndef IMAPD_SEARCH_RESULT_H
#define IMAPD_SEARCH_RESULT_H

#include "imapd/match.h"
#include "imapd/partial.h"

struct search_return {
	bool     given; /* RETURN was said: the answer is ESEARCH */
	bool     min, max, all, count, save, partial;
	struct partial part; /* of PARTIAL */
	bool     modseq;      /* MODSEQ was a key: the answer has one (RFC 7162 section 3.1.5) */
	bool     sorted;      /* it is SORT's */
};

/* "RETURN (...) SP", or nothing. */
bool parse_search_return(struct parser *p, struct search_return *r);
/* Writes the untagged answer and saves what is to be saved. `found` in the order of the answer. */
struct answer search_answer(struct session *s, const struct search_return *r, const struct matches *found);
/* A SEARCH with SAVE that failed saves nothing (RFC 5182 section 2.1). */
void search_forget(struct session *s, const struct search_return *r, const struct answer *a);

#endif
