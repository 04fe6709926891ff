/*
 * A message on its way into a folder: written to tmp/, synced, and moved to
 * its place in one step, so that nobody ever sees half of it. Used by deliver
 * (into new/) and by APPEND (into cur/).
 *
 * States and the one step between them:
 *     tmp/NAME         nothing promised; swept when it is old
 *     new|cur/NAME     whole and durable: its bytes are on the disk before the
 *                      rename, directory synced after it. Only then success is told.
 *
 * What APPEND brings gets its number before that: save_place() moves it when its
 * bytes are on the disk (settle.h), folder_number_saved() adds its line to the
 * UID list, and then file, directory and list are made durable together.
 *
 * Several messages may go through these steps together: the bytes of all files
 * come first (settle.h), all are renamed, then the directories are synced. A group costs
 * little more than one message where the file system lets it, and
 * is as safe where it does not.
 *
 * Why not fewer syncs: a name that is there before its bytes are is read by
 * others. They do not compare ,S= with what they find, and would show, count
 * and keep an empty message for ever after a power cut, with a UID of its own.
 * And of a rename POSIX says only that it is on the disk when its directory was
 * synced; what a journal promises beyond that is used where it is known to be there.
 */
#ifndef STORE_SAVE_H
#define STORE_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lib/store/folder.h"

#define SAVE_BUFFER 65536
#define SAVES_MOST  64 /* in one group */

enum save_place { SAVE_NEW, SAVE_CUR };

struct save {
	int      fd;         /* -1: none under way */
	int      tmp;        /* borrowed of the folder */
	int      directory;  /* the same, for its index */
	int      fresh, cur;
	bool     carriage;   /* a CR that waits for its LF */
	int      trouble;    /* errno of what failed; 0: nothing */
	uint64_t size;       /* bytes of the file so far */
	uint64_t wire_size;  /* the same with CRLF */
	char     name[NAME_MOST + 1]; /* base: with sizes after save_finish() */

	/* Where it goes: set by save_finish(), or as a delivery to new/. */
	enum save_place place;
	uint8_t         flags;
	uint32_t        keywords; /* bits of the folder */
	time_t          date;     /* becomes the internal date; 0: now */

	const struct save *shared; /* the file is that one's, under another name; NULL: its own */
	bool               moved;
	dev_t              device; /* of the directory that it was moved to */
	ino_t              inode;

	size_t used;
	char   buffer[SAVE_BUFFER];
};

/* Makes the file in tmp/ of an opened folder. The folder must stay open. */
bool save_begin(struct save *s, const struct folder *f);
/* The same for a copy of a message: `identity` is name_identity() of that. */
bool save_begin_copy(struct save *s, const struct folder *f, uint64_t identity);
/*
 * The same bytes once more, for another folder or the same: a hard link to the
 * file of `other`, which is written and has not been finished; both are given
 * to one save_finish_all(), `other` first. False with errno (EXDEV, EMLINK,
 * EPERM ...) where there can be none: write it instead.
 */
bool save_begin_shared(struct save *s, const struct folder *f, struct save *other);
/* Writes a part of any size. CRLF becomes LF, a bare CR stays. Failure is kept for save_finish(). */
void save_write(struct save *s, const void *bytes, size_t len);
/* All of it was written: what is buffered goes to the file. Failure is kept. */
void save_complete(struct save *s);

/*
 * Ends it. SAVE_NEW: into new/ without flags, as a delivery. SAVE_CUR: into
 * cur/ with flags and keywords. On success file and directory are durable, and
 * s->name is the base. On failure nothing is left and errno says why.
 */
bool save_finish(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date);
/*
 * The same in two steps. The first one moves it to its place, bytes first;
 * s->name is the base then. Until the second it is not durable, nor is a file
 * that was written in between (or -1). On failure of either nothing is left.
 */
bool save_place(struct save *s, enum save_place place, uint8_t flags, uint32_t keywords, time_t date);
bool save_settle(struct save *s, int other);
/* Ends several together (SAVES_MOST), each on its own: `trouble` of each is 0, or the errno of its failure. */
void save_finish_all(struct save *const *all, size_t count);
/* Forgets it; harmless when none is under way. */
void save_abort(struct save *s);

/*
 * Messages of which all come or none: each is written as above, and then waits
 * in tmp/, its bytes on the disk, without a descriptor or a buffer, so that there may be many.
 * The last step is a rename of each and one sync; when one fails those before
 * it are taken back. Only a crash between the renames leaves a part of them.
 */
#define SAVE_GROUP_OPEN 16 /* are synced together */

struct save_parked {
	struct save_parked *next;
	uint64_t size, wire_size;
	uint32_t keywords;
	uint8_t  flags;
	bool     moved;
	char     name[NAME_MOST + 1]; /* the base: with sizes after save_group_finish() */
};

struct save_group {
	int                 tmp, cur;  /* borrowed of the folder */
	struct save_parked *first, *last;
	size_t              count;
	uint64_t            size;      /* bytes of all */
	int                 trouble;
	size_t              opened;
	int                 open[SAVE_GROUP_OPEN];
};

/* The folder must stay open. */
void save_group_begin(struct save_group *g, const struct folder *f);
/*
 * The message that was written joins, with the flags, keywords and date that
 * stand in `s`, which is free for the next one then. `p` must live as long as
 * the group. False with errno: the group can only be aborted.
 */
bool save_group_add(struct save_group *g, struct save *s, struct save_parked *p);
/* All of them into cur/. False with errno: nothing is left of any. */
bool save_group_finish(struct save_group *g);
/* Nothing is left of any. Keeps errno. */
void save_group_abort(struct save_group *g);

/* A file without a name, in the file system of the folder, for reading and writing. -1 with errno. */
int save_spool(const struct folder *f);

/* The store's own: errno is the trouble, unless there was one. */
void save_failed(struct save *s);
/* The store's own: all bytes and the date are the kernel's. False: there was trouble. */
bool save_hand_over(struct save *s);
/* The store's own: a message with its last name tells the index what is in memory anyway. */
void save_tell_index(const struct save *s);

#endif
