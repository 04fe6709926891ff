/* What was left in tmp/ by those who died while they wrote; the store's own. */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include <stdint.h>

/*
 * Removes files from an open tmp/ that nobody has changed for 36 hours, as the
 * Maildir page says; looks at most once in 20 hours, and costs one stat call
 * otherwise. The directory's time of access remembers when. Trouble is no
 * matter: the next one tries again. Keeps errno. `now`: seconds since 1970.
 */
void sweep_tmp(int tmp, int64_t now);

#endif
