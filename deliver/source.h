/* The message as it comes: a part of a regular file, or all that a pipe gives. */
#ifndef DELIVER_SOURCE_H
#define DELIVER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/slice.h"

struct source {
	int          fd;
	bool         stream;
	bool         ended;   /* `part` is the last one */
	off_t        at, end; /* of a file */
	dev_t        device;  /* of a file: which one it is */
	ino_t        inode;
	struct slice part;
	char         buffer[65536];
};

/*
 * Begins, and reads the first part: as much as there is room for, so the header
 * is in it but for a very long one. A file: from `offset`, `length` bytes
 * (UINT64_MAX: to its end); EIO when it is no regular one or has fewer. A
 * stream: a first line "From ..." is left out, which some programs put before
 * a message that they hand to an LDA.
 */
bool source_begin(struct source *s, int fd, bool stream, uint64_t offset, uint64_t length);
/* The next part; false with errno, and with errno 0 when there is none. */
bool source_next(struct source *s);

#endif
