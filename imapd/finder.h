/*
 * Finding a folded text (lib/mail/casemap.h) in a text in UTF-8 that comes
 * piece by piece: a few bytes are kept from piece to piece and nothing else.
 */
#ifndef IMAPD_FINDER_H
#define IMAPD_FINDER_H

#include "imapd/find.h"
#include "imapd/trigrams.h"
#include "lib/base/str.h"

struct finder {
	const struct needle *needle;
	bool       found;
	bool       failed;   /* no memory */
	struct trigrams *trigrams; /* of what comes, or NULL; set behind finder_open() */
	bool       gathers;  /* what comes is not searched, its trigrams alone are taken */
	struct str tail;     /* the end of what came, one byte less than the needle */
	struct str folded;
	char       held[4];  /* of a character that is not whole yet */
	size_t     held_len;
};

/* In a finder that is all zero, or was opened before, whose memory it keeps. `needle` must live as long. */
void finder_open(struct finder *f, const struct needle *needle);
void finder_close(struct finder *f);
/* Another text begins: what is found lies in one. */
void finder_begin(struct finder *f);
void finder_feed(struct finder *f, struct slice utf8);

#endif
