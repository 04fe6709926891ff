/* Looking at a quota's file, and whether there is room: quota_file.c's own. */
#ifndef STORE_QUOTA_READING_H
#define STORE_QUOTA_READING_H

#include <sys/stat.h>

#include "lib/store/quota_file.h"

/* A file that is open for appending, locked, and still the one of that name. */
struct reading {
	int                fd;
	struct stat        st;
	struct maildirsize text;
};

#define QUOTA_LINE 48 /* bytes: two signed numbers */
#define QUOTA_TEXT_MOST (MAILDIRSIZE_MOST + QUOTA_LINE) /* the last line may go past it */

/* flock(2) with QUOTA_PATIENCE. */
bool quota_lock(int fd, int kind);
bool quota_has_limit(const struct quota_amount *a);
/* Whether f->used and `size` are more than there may be. */
bool quota_exceeds(const struct quota_file *f, struct quota_amount size, const struct quota_beyond *b);
/* The file of that name, for reading and appending, locked. -1 with errno: absent, no file of ours, or its lock cannot be had. */
int quota_open_locked(const struct quota_file *f, struct stat *st);
/* False: what stands there cannot be believed, or has `most` bytes (QUOTA_TEXT_MOST) or more. */
bool quota_read_text(int fd, size_t most, struct maildirsize *m);
/* Writes a whole text in place of what is in the file. False with errno; it may be empty then, which is counted anew. */
bool quota_write_text(int fd, struct quota_amount limits, struct quota_amount used, uint64_t counted);
/*
 * Puts what was counted into its place: into the open, locked file `held`,
 * because somebody may hold it open; without one (-1), or where that fails, as
 * a new file. False, logged.
 */
bool quota_keep(const struct quota_file *f, int held);
/* Opens the file if it is to be believed for this question; f->used is what it says. False (nothing is open): it is to be counted. */
bool quota_reading_begin(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b, struct reading *r);

#endif
