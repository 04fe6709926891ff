/*
 * The file `postern-sketches` of a folder: of each message a sketch of its
 * text, a few hundred bytes that say of most words that they are certainly not
 * in it, so that a search for a word reads the messages that may have it and
 * no others. What the bits mean is for those who search (imapd/prefilter.h).
 *
 *     head | record | record | ...   up to the first one that is not sound
 *     record: checksum, length, UID, inode and name of the message, bits
 *
 * It is a cache, made by searches and by nothing else. It may be deleted at any
 * time, and is never synced. A record is true whenever its checksum, begun with
 * the file's random id, is right: its message is the one with that UID, name
 * and inode, in a folder of the head's UIDVALIDITY, and messages do not change.
 * So nothing that a crash, a full disk or another program leaves behind can be
 * taken for a sketch, and records may be moved within the file while others
 * read it: these take what comes next for the end.
 *
 * It is read with pread(2), piece by piece, and never mapped: one who cuts it
 * short cannot end the reader by SIGBUS. Who writes has the file's lock
 * (flock(2)), for a whole search, and nobody waits for it: others read only.
 * Numbers are in this machine's order; another one's file is begun anew.
 */
#ifndef STORE_SKETCHES_H
#define STORE_SKETCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/store/folder.h"

#define SKETCHES_NAME "postern-sketches"
#define SKETCH_MOST   16384 /* bytes of bits; a multiple of 8 */

struct sketch {
	uint32_t       uid;
	uint64_t       inode; /* of the message's file */
	uint64_t       name;  /* a sum of its name without flags */
	struct slice   bits;  /* empty: anything may be in the message */
	size_t         size;  /* of the record */
};

struct sketch_file {
	int        fd;      /* -1: not open */
	bool       writes;  /* the lock is held */
	uint64_t   id;
	uint64_t   end;     /* behind the last record that was taken */
	uint64_t   kept;    /* while records are moved: where the next one goes */
	char      *window;  /* `len` bytes from `end` on begin at `start` */
	size_t     start, len;
	struct str pending; /* records that are to be written */
};

/*
 * Opens the folder's file, takes its lock if that is free, and begins it anew
 * if it is none of ours or not of this folder's UIDVALIDITY; `meaning` says
 * how bits are made, and so does for those of another meaning. False: there
 * is none that can be read. sketches_close() is due in any case.
 */
bool sketches_open(struct sketch_file *x, const struct folder *f, struct slice meaning);
void sketches_close(struct sketch_file *x);

/* The next record, valid until the next call. False at the end; a writer cuts off what lies behind it. */
bool sketches_next(struct sketch_file *x, struct sketch *s);
/* The message that it is of, or NULL; the place that `hint` says is looked at first, and becomes the next one. */
struct message *sketch_message(struct folder *f, const struct sketch *s, size_t *hint);

/* Appends one for a message whose file has this inode; writers only, behind the last record. False: no more can be. */
bool sketches_add(struct sketch_file *x, const struct message *m, uint64_t inode, struct slice bits);

/*
 * Removing the others: begins anew at the first record; of those that
 * sketches_next() then brings, all that are given to sketches_keep() stay;
 * sketches_kept() ends it. Writers only. False: the file is empty now, or as it was.
 */
void sketches_keep_begin(struct sketch_file *x);
bool sketches_keep(struct sketch_file *x, const struct sketch *s);
bool sketches_kept(struct sketch_file *x);

#endif
