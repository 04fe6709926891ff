/*
 * The file `postern-special-use` of a Maildir: what its user has made folders
 * for (RFC 6154), a line each, "\Sent Gesendet", names as on the disk. It may be
 * deleted: then the folders are without.
 */
#ifndef STORE_USES_H
#define STORE_USES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/store/maildir.h"

struct uses {
	char  *text;
	size_t len;
};

/* No file, or noise, is an empty list. False with errno. */
bool uses_read(const struct maildir *m, struct uses *u);
void uses_free(struct uses *u);
/* The next line of `*rest`, which begins as the text; those that are none are passed over. The name is as somebody wrote it. False at the end. */
bool uses_next(struct slice *rest, struct slice *use, struct slice *name);

/* The folder has these uses and no others, or none. Durable; false with errno (EFBIG: the list is full). */
bool uses_set(const struct maildir *m, struct slice name, const char *const *uses, size_t count);
/* It and all beneath it have another name. Durable; false with errno. */
bool uses_rename(const struct maildir *m, struct slice from, struct slice to);

#endif
