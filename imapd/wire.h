/*
 * Messages on the disk have LF or CRLF line ends, on the wire CRLF. A wire
 * takes bytes as they are on the disk, in parts of any size, counts them as
 * they are on the wire, and writes the stretch of them that is wanted. NUL
 * becomes 0x80: a literal cannot hold it. With a taker, who is given what would
 * be written, it stays.
 */
#ifndef IMAPD_WIRE_H
#define IMAPD_WIRE_H

#include <stdint.h>

#include "lib/base/stream.h"
#include "lib/mail/transfer.h"

/* Between two bytes of what is fed. */
struct wire_place {
	uint64_t source, wire; /* bytes before it, as they are fed and as they are on the wire */
	bool     after_cr;
};

struct wire {
	struct output *out;      /* NULL: count only, unless there is a taker */
	struct transfer_taker taker; /* instead of `out` */
	uint64_t       skip;     /* bytes on the wire not to write first */
	uint64_t       left;     /* bytes to write behind them */
	struct wire_place at;    /* what was fed so far */
	struct wire_place piece; /* at or before the end of what was written: from there on it is enough to feed what follows */
};

void wire_feed(struct wire *w, struct slice bytes);

/* Bytes as they are on the wire, without NUL. */
void wire_write(struct output *out, const char *bytes, size_t len);
/* Size on the wire of one slice. */
uint64_t wire_size(struct slice bytes);

#endif
