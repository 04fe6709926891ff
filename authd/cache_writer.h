/*
 * The worker that writes the cache's file. The loop hands it records, then has
 * it write:
 *
 *     keep FIRST (records)  ->  kept           FIRST 1: what was handed over before is forgotten
 *     write                 ->  written RECORDS BYTES | failed WHY
 *
 * Records: each its length in 4 bytes, little-endian, then as in the file
 * (cache_file.h) without the checksum; FACT_LATER means that the key is to go.
 *
 * Write: what the file holds and what was handed over, the newer answer of
 * each key, without what is older than `keep`; when that is more than `most`
 * bytes, the oldest are left out. Into PATH.new, which is synced and renamed
 * (and the directory synced), so PATH is always whole: the old one or the new.
 */
#ifndef AUTHD_CACHE_WRITER_H
#define AUTHD_CACHE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/cache_file.h"
#include "lib/ipc/packet.h"

#define CACHE_PIECE_MOST 60000 /* bytes of records in a packet, or one record that is longer */

struct cache_writer {
	const char *path, *directory;
	size_t      most;   /* bytes of the file */
	size_t      memory; /* bytes that may be handed over */
	uint64_t    keep;   /* seconds */
};

/* Confines itself and serves until `socket` ends. */
void cache_writer_work(int socket, const struct cache_writer *options);

/* How many bytes a record takes in a packet; and adds it. */
size_t cache_piece_size(const struct cache_record *r);
void cache_piece_add(struct packet *p, const struct cache_record *r);
/* Takes the next record's bytes from `*rest`. False at the end. */
bool cache_piece_take(struct slice *rest, struct slice *record);

#endif
