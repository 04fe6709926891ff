/* By what one sees that a file has changed, without reading it. */
#ifndef TLSD_STAMP_H
#define TLSD_STAMP_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct stamp {
	int             error; /* errno, when it cannot be looked at */
	dev_t           device;
	ino_t           file;
	off_t           size;
	struct timespec written, changed;
};

/* Follows symbolic links, as reading the file does. */
struct stamp stamp_of(const char *path);
bool stamp_equal(const struct stamp *a, const struct stamp *b);

/*
 * Whether the file has been left alone for a moment. What is read of one that is still being written may be half of it,
 * and a second change within one tick of the file system's clock cannot be seen.
 */
bool stamp_settled(const struct stamp *s);

#endif
