/* Why OpenSSL failed, in words for the log. */
#ifndef TLSD_REASON_H
#define TLSD_REASON_H

#include <stddef.h>

/* Clearer words than OpenSSL's own for an error of its library SSL. */
struct reason {
	int         code;
	const char *words;
};

/* The oldest error of OpenSSL's queue in words, of `known` if it is there; empties the queue. Valid until the next call; never NULL. */
const char *reason_of(const struct reason *known, size_t count);
/* The same of a client of ours. */
const char *reason_in_words(void);
/* Loads the words, which must happen before the files are out of reach. */
void reason_prepare(void);

#endif
