/*
 * What folders are for (RFC 6154): LIST shows \Drafts, \Sent, \Junk, \Trash or
 * \Archive for those that the administrator has named. One table for all users:
 *
 *     Drafts \Drafts, Sent \Sent, Sent Messages \Sent
 *
 * Which of them a new Maildir gets is the setting new_folders.
 */
#ifndef IMAPD_SPECIAL_USE_H
#define IMAPD_SPECIAL_USE_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define SPECIAL_USE_DEFAULT "Drafts \\Drafts, Sent \\Sent, Sent Messages \\Sent, Junk \\Junk, Trash \\Trash, Archive \\Archive"
#define SPECIAL_USE_MOST 32 /* folders */

/* Understands the setting, once at the start: names in UTF-8, commas or line ends between. False: a mistake, logged with what to write. */
bool special_use_read(struct slice text);
/* "\Sent", or NULL. The name is as on the disk. */
const char *special_use_of(struct slice name);

#endif
