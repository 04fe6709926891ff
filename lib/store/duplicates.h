/*
 * What has been done for a Maildir lately, as marks in a file in it: which
 * messages it was given, by Message-ID, in `postern-duplicates`, and who had
 * which answer of vacation in `postern-vacation`. A line each:
 *
 *     1700000000 9f86d081884c7d65
 *
 * (the second, and a hash in hexadecimal: of folder and Message-ID, say). A line is
 * added in one write when its message is durable, and never before, so that a
 * crash, two deliveries at once, a full disk or a file that somebody removed
 * cost a second copy and no message. The file is replaced by its newest lines
 * when it has grown to DUPLICATES_MOST of them. Lines that are none are passed over.
 */
#ifndef STORE_DUPLICATES_H
#define STORE_DUPLICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/store/maildir.h"

#define DUPLICATES_MOST 2000 /* lines */

#define DUPLICATES_FILE "postern-duplicates"
#define VACATION_FILE   "postern-vacation"

/* The mark of a message in a folder; never 0. */
uint64_t duplicates_mark(struct slice message_id, struct slice folder);
/* It is in the file, of the last `window` seconds. False when the file is absent or cannot be read. */
bool duplicates_known(const struct maildir *m, const char *file, uint64_t mark, uint64_t window);
/* It was done now. Not durable; false, with errno, when it could not be written. */
bool duplicates_add(const struct maildir *m, const char *file, uint64_t mark);
/* For tests: whether a file's text names the mark at `since` or later. */
bool duplicates_in(struct slice text, uint64_t mark, int64_t since);

#endif
