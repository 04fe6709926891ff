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

struct wire {
	struct output *out;      /* NULL: count only, unless there is a taker */
	struct transfer_taker taker; /* instead of `out` */
	uint64_t       skip;     /* bytes on the wire not to write first */
	uint64_t       left;     /* bytes to write behind them */
	uint64_t       size;     /* of all that was fed, on the wire */
	bool           after_cr;
};

void wire_feed(struct wire *w, struct slice bytes);

/* Size on the wire of one slice. */
uint64_t wire_size(struct slice bytes);

#endif
