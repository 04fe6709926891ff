/*
 * A small text file of the administrator's that is read again when it has
 * changed. One that cannot be read or understood is told of once, and what was
 * read before stays in use: nothing must become unknown by a slip.
 */
#ifndef AUTHD_WATCHED_FILE_H
#define AUTHD_WATCHED_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define WATCHED_FILE_BYTES 4194304

struct watched_file {
	const char *path;      /* "": there is none, on purpose */
	const char *setting;   /* that names it */
	const char *read, *unreadable; /* events of the log */
	const char *until;     /* what is the matter until it can be read, for the log */
	bool        secret;    /* it must be ours alone */
	/*
	 * Takes the whole text, or refuses it with "line N: ..." in `problem` and
	 * leaves what it had. The number of entries, or -1.
	 */
	int64_t (*take)(void *context, struct slice text, struct str *problem);
	void    *context;
	/* Its own. */
	bool        ready;     /* it was read once */
	bool        complained;
	struct stat seen;
	int64_t     looked;    /* clock_ms() of the last look at the file */
};

/*
 * Looks whether the file changed (once a second at most) and reads it. One that
 * was written a moment ago is left for the next look, when its writer is done:
 * a change counts within two seconds.
 */
void watched_file_refresh(struct watched_file *w);

#endif
