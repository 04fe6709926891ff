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
/* A mod-sequence; 0, which no message has, is taken as well. */
bool parse_modseq(struct parser *p, uint64_t *modseq);

#endif
