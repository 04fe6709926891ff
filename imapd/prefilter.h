/*
 * Which messages a search for a text need not read: those whose sketch
 * (trigrams.h) lacks a part of it. A sketch covers header and body, in the form
 * in which texts are compared, so it serves TEXT and BODY alike, and what it
 * does not exclude is read: a search finds what it would find without.
 *
 * Sketches are kept in the folder (lib/store/sketches.h), and made by searches:
 * of a message that has none and is read to its end, as nothing was found.
 * One that was found would be read again by the next search for the same.
 */
#ifndef IMAPD_PREFILTER_H
#define IMAPD_PREFILTER_H

#include "imapd/body.h"
#include "imapd/parse_search.h"
#include "imapd/session.h"
#include "imapd/trigrams.h"
#include "lib/store/sketches.h"

#define PREFILTER_NEEDLES 31 /* of one search; further ones are not asked for */

struct prefilter {
	unsigned            tries;    /* searches in one message until now */
	bool                begun;
	struct sketch_file  file;
	size_t              count;    /* of needles */
	const struct needle *needles[PREFILTER_NEEDLES];
	struct trigram_probe *probes; /* scratch memory */
	uint32_t            *known;   /* of each message of the view: PREFILTER_KNOWN, and bit i when it has not needle i; or NULL */
	struct trigrams     *trigrams; /* of the message under way */
};

/* The setting imap_search_sketches. */
void prefilter_use(bool use);
/*
 * Whether the message, in the view at `index`, certainly has the needle
 * nowhere. It reads the folder's sketches when so many messages were asked
 * for that this is less than reading them.
 */
bool prefilter_excludes(struct prefilter *v, struct session *s, const struct search_key *program, const struct needle *needle, size_t index);
/* Where to gather the trigrams of a message that is about to be read, or NULL. */
struct trigrams *prefilter_gather(struct prefilter *v, const struct body *b, size_t index);
/* It was read whole, and all trigrams were gathered. */
void prefilter_learn(struct prefilter *v, struct session *s, const struct body *b, size_t index);
void prefilter_end(struct prefilter *v);

#endif
