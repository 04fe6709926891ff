/*
 * The folders of a Maildir++: INBOX is the Maildir itself, "Work.Plans" the
 * directory ".Work.Plans" in it. Names are modified UTF-7 (RFC 3501 section
 * 5.1.3) here and on the disk; '.' stands between levels.
 */
#ifndef STORE_FOLDERS_H
#define STORE_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/store/maildir.h"

#define FOLDER_NAME_MOST  240  /* bytes of a folder's name */
#define FOLDER_DEPTH_MOST 32   /* levels */
#define FOLDERS_MOST      100000

/*
 * True for a name that may be made: valid modified UTF-7, no '/', no control
 * byte, no empty level, at most FOLDER_NAME_MOST bytes; not "INBOX".
 */
bool folders_name_ok(struct slice name);
/* "INBOX" in any case. */
bool folders_is_inbox(struct slice name);

struct folder_names {
	char **names; /* sorted by bytes; INBOX is not among them; NUL behind each */
	size_t count, room;
};

/* All folders that exist, with names that are valid; what is invalid is passed over. */
bool folders_list(const struct maildir *m, struct folder_names *names);
void folders_free(struct folder_names *names);

/* True when it exists (INBOX always). */
bool folders_exists(const struct maildir *m, struct slice name);
/* Makes a folder (not its parents: Maildir++ needs none), durable. EEXIST, EINVAL. */
bool folders_create(const struct maildir *m, struct slice name);
/* Removes a folder and its messages, not those beneath it. ENOENT, EINVAL for INBOX. */
bool folders_delete(const struct maildir *m, struct slice name);
/*
 * Renames a folder and all beneath it. From INBOX (RFC 3501 section 6.3.5):
 * makes `to` and moves INBOX's messages into it. EEXIST, ENOENT (neither it
 * nor one beneath it exists), EINVAL.
 */
bool folders_rename(const struct maildir *m, struct slice from, struct slice to);

#endif
