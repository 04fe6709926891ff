/* Editing the text file of users line by line; all else in it (comments, order) stays as it was. */
#ifndef AUTHD_USERS_EDIT_H
#define AUTHD_USERS_EDIT_H

#include <stdbool.h>

#include "authd/users_file.h"
#include "lib/base/str.h"

struct users_edit {
	char              path[4096];
	const char       *problem; /* why the last call failed */
	int               directory; /* locked while it is being changed */
	struct str        text;
	size_t            found_at, found_len; /* the line that users_edit_find() found */
	struct users_line found;
};

/* Reads the file (one that is not there is empty); `name` as in the setting. With `lock` nobody else changes it meanwhile. */
bool users_edit_open(struct users_edit *e, const char *name, bool lock);
bool users_edit_find(struct users_edit *e, enum users_kind kind, struct slice address);
void users_edit_append(struct users_edit *e, const struct slice *fields, size_t count);
/* In place of the line that was found; no field: the line goes. */
void users_edit_replace(struct users_edit *e, const struct slice *fields, size_t count);
/* Written beside, synced, renamed. */
bool users_edit_save(struct users_edit *e);
void users_edit_close(struct users_edit *e);

#endif
