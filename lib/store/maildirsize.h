/*
 * The text of Maildir++'s `maildirsize`, as Courier and Dovecot write it too:
 *
 *     10000000S,1000C       the limits: bytes, messages
 *     52000 12              what there was when it was counted
 *     4711 1                what came
 *     -900 -1               and went
 *
 * The sum of all lines behind the first is what the mailbox holds. Spaces
 * around the numbers are Courier's. Anybody who may write into the Maildir
 * may have written it. The store's own.
 */
#ifndef STORE_MAILDIRSIZE_H
#define STORE_MAILDIRSIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define MAILDIRSIZE_MOST 5120 /* bytes: a file of that size is counted anew */

/* What is held or may be held. As a limit 0 is none. */
struct quota_amount {
	uint64_t bytes, messages;
};

struct maildirsize {
	struct quota_amount limits;
	struct quota_amount used;
	uint64_t            counted; /* seconds since 1970, letter T of the first line; 0: not said. Ours, of a domain's file */
	size_t              lines;   /* behind the first */
};

/*
 * False: it cannot be believed and is to be counted anew. That is a first line
 * that names no limit, no line behind it, what is no pair of numbers, a sum
 * below zero or beyond INT64_MAX, and an end without LF. Letters of limits that
 * are not known are passed over.
 */
bool maildirsize_parse(struct slice text, struct maildirsize *m);

/* Appends a whole text of two lines. `counted` 0: not said. False when `into` is full. */
bool maildirsize_print(struct str *into, struct quota_amount limits, struct quota_amount used, uint64_t counted);

#endif
