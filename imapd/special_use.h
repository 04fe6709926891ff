/*
 * What folders are for (RFC 6154): LIST shows \Drafts, \Sent, \Junk, \Trash or
 * \Archive for those that the user has made for it (lib/store/uses.h), and for
 * those that the administrator has named. One table for all users:
 *
 *     Drafts \Drafts, Sent \Sent, Sent Messages \Sent
 *
 * Which of them a new Maildir gets is the setting new_folders.
 */
#ifndef IMAPD_SPECIAL_USE_H
#define IMAPD_SPECIAL_USE_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/store/uses.h"

#define SPECIAL_USE_DEFAULT "Drafts \\Drafts, Sent \\Sent, Sent Messages \\Sent, Junk \\Junk, Trash \\Trash, Archive \\Archive"
#define SPECIAL_USE_MOST 32 /* folders */

/* Understands the setting, once at the start: names in UTF-8, commas or line ends between. False: a mistake, logged with what to write. */
bool special_use_read(struct slice text);

#define SPECIAL_USES 5 /* that there are */

/* The attribute as the table has it, or NULL: we do not know this one, or it is none for a folder. */
const char *special_use_find(struct slice attribute);
/*
 * What a folder is for, in `list`: what its user made it for, or the setting's
 * word where he has made no folder for that. The name is as on the disk.
 * Returns how many.
 */
size_t special_use_list(const struct uses *own, struct slice name, const char *list[SPECIAL_USES]);

#endif
