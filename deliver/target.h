/* The folder that a message goes to: made when that is the rule, and durable before anything is put into it. */
#ifndef DELIVER_TARGET_H
#define DELIVER_TARGET_H

#include <stdbool.h>

#include "deliver/delivery.h"

/*
 * Opens u->maildir and u->folder. A Maildir that is not there is made, with the
 * folders of the setting new_folders, subscribed. What names a folder that
 * cannot be had goes to INBOX. False with errno, nothing is open.
 */
bool target_open(struct deliverer *d, const struct mailbox *mailbox, struct under_way *u);
void target_close(struct under_way *u);

#endif
