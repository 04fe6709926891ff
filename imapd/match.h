/* Which messages of the view a search's program fits: for SEARCH, SORT and THREAD. */
#ifndef IMAPD_MATCH_H
#define IMAPD_MATCH_H

#include "imapd/parse_search.h"
#include "imapd/session.h"

/* Messages that fit, as indexes of the view. */
struct matches {
	uint32_t *indexes; /* scratch memory */
	size_t    count;
	bool      failed;  /* a message could not be read, so it is not among them */
};

/* Message numbers after ENABLE UIDONLY, MODSEQ of a folder that has none (RFC 9586, 7162): false, and *answer says so. (search_allowed.c) */
bool search_allowed(struct session *s, const struct search_key *program, struct answer *answer);
/* False: *answer says why. */
bool match_all(struct session *s, struct search_key *program, struct matches *found, struct answer *answer);

/*
 * The fields of a message that folder_header_kept() names: from the index, or
 * from the file, of which the index learns them. Valid until the next message. False, counted in errno: it cannot be read.
 */
bool match_header(struct session *s, struct message *m, struct slice *header);

/* The answer to an unknown charset, with the list of those that are known. */
struct answer match_bad_charset(struct session *s);

#endif
