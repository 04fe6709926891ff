/*
 * A message on its way into a folder: written to tmp/, synced, and moved to
 * its place in one step, so that nobody ever sees half of it. Used by deliver
 * (into new/) and by APPEND (into cur/).
 *
 * States and the one step between them:
 *     tmp/NAME         nothing promised; swept when it is old
 *     new|cur/NAME     whole and durable: file synced before the rename,
 *                      directory after it. Only then success is told.
 */
#ifndef STORE_SAVE_H
#define STORE_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/store/folder.h"

#define SAVE_BUFFER 65536

struct save {
	int      fd;         /* -1: none under way */
	int      tmp;        /* borrowed of the folder */
	int      directory;  /* the same, for its index */
	int      fresh, cur;
	bool     failed;     /* a write failed; errno is kept in trouble */
	bool     carriage;   /* a CR that waits for its LF */
	int      trouble;
	uint64_t size;       /* bytes of the file so far */
	uint64_t wire_size;  /* the same with CRLF */
	size_t   used;
	char     name[NAME_MOST + 1]; /* base: with sizes after save_finish() */
	char     buffer[SAVE_BUFFER];
};

/* Makes the file in tmp/ of an opened folder. The folder must stay open. */
bool save_begin(struct save *s, const struct folder *f);
/* Writes a part of any size. CRLF becomes LF, a bare CR stays. Failure is kept for save_finish(). */
void save_write(struct save *s, const void *bytes, size_t len);

/*
 * Ends it. SAVE_NEW: into new/ without flags, as a delivery. SAVE_CUR: into
 * cur/ with flags and keywords (bits of the folder). `date` becomes the
 * internal date; 0: now. On success file and directory are durable, and
 * s->name is the base. On failure nothing is left and errno says why.
 */
enum save_place { SAVE_NEW, SAVE_CUR };
bool save_finish(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date);
/* Forgets it; harmless when none is under way. */
void save_abort(struct save *s);

#endif
