/* What the index keeps of a message's text; lib/store only. */
#ifndef STORE_FACTS_H
#define STORE_FACTS_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/store/index_file.h"

#define FACTS_MOST 65536 /* bytes of one message's texts; what is larger is had from the message each time */

struct facts_texts {
	uint32_t envelope, structure, header; /* lengths, one behind the other */
	uint64_t wire_size; /* of the whole */
	int64_t  sent;      /* INT64_MIN: no date that can be read */
	struct slice bytes;
};

/* Makes them of a whole message into `into`. False: larger than FACTS_MOST, or no memory. */
bool facts_compose(struct str *into, struct slice message, struct facts_texts *made);
/* Lengths, date and checksum (for facts->inode) into a record. */
void facts_fill(struct index_facts *facts, const struct facts_texts *made);

#endif
