/*
 * COMPRESS=DEFLATE (RFC 4978): both directions of a conversation in raw
 * DEFLATE (RFC 1951) by zlib. What comes is undone in pieces as large as a
 * stream's buffer, so no input makes more of itself than that. What goes out
 * needs some 256 KiB while it is made; they are given back when it is sent, so
 * that an idle session holds the other direction's 40 KiB alone.
 */
#ifndef IMAPD_COMPRESS_H
#define IMAPD_COMPRESS_H

#include <stdbool.h>

#include "lib/base/stream.h"

/*
 * From here on `in` and `out` speak DEFLATE; `out` is empty, and what is
 * buffered in `in` is compressed already. Once in a process. False without
 * memory: nothing has changed.
 */
bool compress_begin(struct input *in, struct output *out);
/* Whether they do. */
bool compress_on(const struct output *out);
/* The memory that is needed only to send goes back: before a long wait. */
void compress_rest(void);

#endif
