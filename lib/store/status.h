/*
 * What clients ask of all their folders every few minutes (STATUS, LIST with
 * STATUS). Who has counted leaves the numbers in the index's state, so that the
 * next one reads 200 bytes, however large the folder is. They count until a
 * record of a message is written, and as long as the index is believed.
 */
#ifndef STORE_STATUS_H
#define STORE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/folder.h"

struct folder_status {
	uint64_t messages;
	uint64_t fresh;    /* in new/ */
	uint64_t unseen;   /* without \Seen */
	uint64_t deleted;  /* with \Deleted */
	uint64_t bytes;    /* their wire sizes, or SIZE_UNKNOWN */
	uint32_t uidvalidity, uidnext;
	uint64_t highest_modseq; /* as in struct folder */
};

/*
 * Of a folder that was found or opened; it is read (folder_refresh()) where nobody has
 * left numbers that can be believed. `sizes`: `bytes` is known, messages whose
 * sizes nobody knows are read for it. False with errno.
 */
bool folder_status(struct folder *f, bool sizes, struct folder_status *status);

#endif
