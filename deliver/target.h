/* The folder that a message goes to: made when that is the rule, and durable before anything is put into it. */
#ifndef DELIVER_TARGET_H
#define DELIVER_TARGET_H

#include <stdbool.h>

#include "deliver/delivery.h"
#include "lib/base/str.h"

/*
 * Opens u->maildir. One that is not there is made, with the folders of the
 * setting new_folders, subscribed. False with errno, nothing is open.
 */
bool target_open(struct deliverer *d, const struct mailbox *mailbox, struct under_way *u);
/*
 * Opens u->folder in it: the one that u->what.folder names, or the address.
 * What names a folder that cannot be had goes to INBOX. False with errno, and
 * the Maildir is closed too.
 */
bool target_open_folder(struct deliverer *d, const struct mailbox *mailbox, struct under_way *u);
void target_close(struct under_way *u);

/*
 * A folder's name in UTF-8, as people write it, as it is on the disk. Courier's
 * "INBOX." in front is taken off unless there is such a folder. False: it can be none.
 */
bool target_name(const struct maildir *m, struct slice text, struct str *name);

#endif
