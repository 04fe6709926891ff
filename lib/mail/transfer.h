/*
 * Content transfer encodings, written piece by piece as the bytes come:
 * quoted-printable (RFC 2045 section 6.7) and base64 (section 6.8). No line
 * that they write is longer than 76 characters, none ends in a space.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

/* Who takes what is written; the bytes are his until he returns. */
struct transfer_taker {
	void (*take)(void *context, struct slice bytes);
	void *context;
};

enum transfer_kind {
	TRANSFER_PLAIN, /* as it is */
	TRANSFER_SEVEN, /* the same, a '?' for each byte beyond ASCII */
	TRANSFER_QUOTED,
	TRANSFER_BASE64,
};

struct transfer {
	enum transfer_kind    kind;
	struct transfer_taker taker;
	unsigned char         group[3]; /* of base64: bytes that are no group yet */
	size_t                group_len;
	char                  held;     /* of quoted-printable: a space or tab that may end the line; 0: none */
	size_t                len;
	char                  line[78]; /* not given out yet */
};

void transfer_begin(struct transfer *t, enum transfer_kind kind, struct transfer_taker taker);
/* Bytes of the content. For quoted-printable a line end among them is data ("=0D=0A"), not the end of a line. */
void transfer_write(struct transfer *t, struct slice bytes);
/* A line of the content ends. */
void transfer_end_line(struct transfer *t);
/* The content ends; no line end is written behind it. */
void transfer_finish(struct transfer *t);

#endif
