/*
 * What other servers' POP3 has written down about the messages of INBOX, so
 * that their clients are told the same again: Dovecot in its UID list (P: the
 * UIDL, G: the GUID), Courier in courierpop3dsizelist. The files are read line
 * by line, so that their size costs no memory.
 */
#ifndef STORE_POP3_UIDL_H
#define STORE_POP3_UIDL_H

#include "lib/base/slice.h"
#include "lib/store/folder.h"

/* Is told of the message at this index of f->messages. `value` is valid during the call. */
typedef void pop3_uidl_found(void *context, size_t index, struct slice value);

/*
 * Tells each message's field `letter` ('P' or 'G') of dovecot-uidlist. An empty
 * P is told as an empty value: the file's base name is the UIDL. False with errno.
 */
bool pop3_uidl_dovecot(const struct folder *f, char letter, pop3_uidl_found *found, void *context);

/*
 * Tells each message's UIDL as Courier's POP3 server gave it, from
 * courierpop3dsizelist, versions 0 to 3. No such file: nothing is told, true. False with errno.
 */
bool pop3_uidl_courier(const struct folder *f, pop3_uidl_found *found, void *context);

#endif
