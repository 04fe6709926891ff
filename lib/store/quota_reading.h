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

/* flock(2) with QUOTA_PATIENCE. */
bool quota_lock(int fd, int kind);
bool quota_has_limit(const struct quota_amount *a);
/* Whether f->used and `size` are more than there may be. */
bool quota_exceeds(const struct quota_file *f, struct quota_amount size, const struct quota_beyond *b);
/* Opens the file if it is to be believed for this question; f->used is what it says. False (nothing is open): it is to be counted. */
bool quota_reading_begin(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b, struct reading *r);

#endif
