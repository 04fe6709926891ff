/* The log files that are searched, opened before the confinement and read several times. */
#ifndef TRACE_SOURCE_H
#define TRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/slice.h"

struct source {
	FILE   *file;
	int64_t tai_seconds; /* how its writer counts: stamp_tai_seconds() */
};

struct sources {
	struct source *files;
	size_t         count, room;
};

/*
 * A file, a directory (all files beneath it), or "-" (standard input, copied
 * to a temporary file). False with the reason on standard error.
 */
bool sources_add(struct sources *s, const char *path);

/*
 * Calls `each` for every line of every file, without its line end. `begins`:
 * the file that begins with it, else NULL. Of a line longer than any of ours only the head is given.
 * False: a file could not be read to its end.
 */
bool sources_each(struct sources *s, void (*each)(void *context, struct slice line, const struct source *begins), void *context);

#endif
