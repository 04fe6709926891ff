/* What BDAT says of the chunk behind it (RFC 3030 section 2), in SMTP and LMTP. */
#ifndef FRONT_CHUNK_H
#define FRONT_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct chunk {
	uint64_t size; /* bytes */
	bool     last;
};

/* Of "SIZE" or "SIZE LAST", what stands behind the verb. False: it says neither. */
bool chunk_parse(struct slice argument, struct chunk *c);

#endif
