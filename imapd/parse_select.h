/* The parameters of SELECT and EXAMINE (RFC 4466, RFC 7162 section 3.2.5). */
#ifndef IMAPD_PARSE_SELECT_H
#define IMAPD_PARSE_SELECT_H

#include "imapd/sequence.h"

struct select_parameters {
	bool     condstore;
	bool     qresync;
	uint64_t uidvalidity; /* of QRESYNC, as is all that follows */
	uint64_t modseq;
	bool     has_known;
	struct sequence_set known;   /* UIDs, resolved */
	struct sequence_set numbers; /* in pairs with `uids`, as they were sent */
	struct sequence_set uids;
};

/* What may follow the name: nothing, or SP "(" parameter *(SP parameter) ")". */
bool parse_select_parameters(struct parser *p, struct select_parameters *s);
/* mod-sequence-value and mod-sequence-valzer (RFC 7162 section 7): of 1 and more; or 0, which no message has. */
bool parse_modseq(struct parser *p, uint64_t *modseq);
bool parse_modseq_or_zero(struct parser *p, uint64_t *modseq);

#endif
