/*
 * dovecot-uidlist.lock of a folder. Dovecot holds it while it scans a folder,
 * gives UIDs, renames messages or gives letters to keywords; so does the store.
 * Nested in one process. The store's own.
 */
#ifndef STORE_LIST_LOCK_H
#define STORE_LIST_LOCK_H

#include <stdbool.h>

#include "lib/store/folder.h"

/* Of a folder with a view (f->scan). Waits at most `timeout` milliseconds unless it is held by us already. False with errno (ETIMEDOUT); no unlock then. */
bool list_lock(struct folder *f, int timeout);
void list_unlock(struct folder *f); /* keeps errno */

/* The same with a patience of two seconds, for what may be done without it if somebody holds it for longer; the end is told what the begin said. */
bool list_lock_begin(struct folder *f);
void list_lock_end(struct folder *f, bool begun); /* keeps errno */

#endif
