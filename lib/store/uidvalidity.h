/*
 * The next UIDVALIDITY of a user, in Dovecot's form: an empty file
 * `dovecot-uidvalidity.HHHHHHHH` in the Maildir, whose name is the last one
 * given and which is renamed to give the next: one step, so no two folders get
 * the same. `dovecot-uidvalidity` holds the number as well, to save a search.
 */
#ifndef STORE_UIDVALIDITY_H
#define STORE_UIDVALIDITY_H

#include <stdint.h>

/* Greater than all before, greater than `least`, and not below the clock. Durable. 0 with errno. */
uint32_t uidvalidity_next(int root, uint32_t least);

#endif
