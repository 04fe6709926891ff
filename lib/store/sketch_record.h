/* The form of the file of sketches (sketches.h); lib/store only. */
#ifndef STORE_SKETCH_RECORD_H
#define STORE_SKETCH_RECORD_H

#include "lib/base/file.h"
#include "lib/base/random.h"
#include "lib/store/sketches.h"

#define SKETCHES_MAGIC        "POSTSKE1"
#define SKETCHES_PENDING_GOOD 65536 /* bytes of records that are written together */
#define SKETCHES_PENDING_MOST (SKETCHES_PENDING_GOOD + sizeof(struct sketch_record) + SKETCH_MOST)

struct sketch_head {
	char     magic[8];
	uint64_t id;
	uint64_t uidvalidity;
	uint64_t meaning;
	uint64_t sum;
};

/* Its bits follow. */
struct sketch_record {
	uint64_t sum;
	uint32_t len; /* of the bits */
	uint32_t uid;
	uint64_t inode, name;
};

/* Of a record with its bits, `len` bytes in all. */
uint64_t sketch_sum(uint64_t id, const char *record, size_t len);
/* What a message's name has in a record. */
uint64_t sketch_name(const struct message *m);
/* A writer's file ends there. */
void sketches_cut(struct sketch_file *x, uint64_t end);

#endif
