/* VANISHED responses (RFC 7162 section 3.2.10): UIDs of messages that are gone, runs of them as ranges. */
#ifndef IMAPD_VANISHED_H
#define IMAPD_VANISHED_H

#include <stdint.h>

#include "imapd/sequence.h"
#include "imapd/view.h"
#include "lib/base/stream.h"

struct vanished {
	struct output *out;
	bool           earlier;
	uint32_t       first, last; /* the run under way; 0: none */
	size_t         ranges;      /* in the response under way */
};

/* Adds UIDs behind those that came before; nothing is written for none. */
void vanished_add(struct vanished *v, uint32_t first, uint32_t last);
/* Ends the response. */
void vanished_end(struct vanished *v);

/* What SELECT (QRESYNC) and UID FETCH (VANISHED) want to know. */
struct vanished_since {
	uint64_t            modseq;
	struct sequence_set known;   /* UIDs, resolved */
	uint32_t            matched; /* none of these and below is gone; 0: not said */
};

/*
 * VANISHED (EARLIER): the known UIDs that were expunged after that mod-sequence.
 * Where the store does not remember all of them, it is every known UID that is
 * not in the folder, as section 3.2.5.1 allows. False without memory.
 */
bool vanished_tell_earlier(struct output *out, struct view *v, const struct vanished_since *since);

#endif
