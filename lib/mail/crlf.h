/*
 * Lines of a file, which end in LF or CRLF, as they go over the wire: in CRLF
 * (RFC 5322 section 2.1). Every byte of a message that a client fetches comes
 * through here, so it goes in steps of 16 where the processor has SSE2.
 *
 * `*carriage` goes from piece to piece of one text: the byte before was a CR.
 */
#ifndef MAIL_CRLF_H
#define MAIL_CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define CRLF_BEYOND 16 /* bytes behind what is copied that may be written to */

/* The bytes of a text on the wire. */
uint64_t crlf_size(struct slice text, bool *carriage);
/* Makes it, and returns its length. There is room for 2 * text.len + CRLF_BEYOND bytes at `to`. */
size_t crlf_copy(char *to, struct slice text, bool *carriage);
/* Copies one line, or what there is of it, without its LF, as it is; returns its length. Room: text.len + CRLF_BEYOND. */
size_t crlf_copy_line(char *to, struct slice text);

#endif
