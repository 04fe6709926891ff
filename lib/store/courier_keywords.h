/* Courier's keywords become letters in the messages' names; lib/store/courier.c only. */
#ifndef STORE_COURIER_KEYWORDS_H
#define STORE_COURIER_KEYWORDS_H

#include <stdbool.h>

#include "lib/store/folder.h"

/*
 * Of a folder that was scanned surely and whose lock is held. Nothing is done
 * when it has dovecot-keywords already. False with errno; may be done again.
 */
bool courier_take_keywords(struct folder *f);

#endif
