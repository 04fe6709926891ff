/* Why OpenSSL failed, in words for the log. */
#ifndef TLSD_REASON_H
#define TLSD_REASON_H

/* The oldest error of OpenSSL's queue in words; empties the queue. Valid until the next call; never NULL. */
const char *reason_in_words(void);
/* Loads the words, which must happen before the files are out of reach. */
void reason_prepare(void);

#endif
