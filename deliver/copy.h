/* A message into one folder of its recipient, in two steps: delivery.c's. */
#ifndef DELIVER_COPY_H
#define DELIVER_COPY_H

#include "deliver/delivery.h"

/* errno of the store in words for the sender, logged. All of it is trouble of ours, so all of it is temporary. */
struct outcome copy_trouble(const struct under_way *u, const char *step, const char *path);

/*
 * The Maildir is open, the message begun. `written` says whether it lies in
 * tmp/ then; if not, all is closed and the outcome says why. Those of `all`
 * before `u` may share their file.
 */
void copy_begin(struct deliverer *d, struct under_way *u, const struct mailbox *mailbox, struct under_way *all);
/* Nothing of what was written shall be there. */
void copy_take_back(struct deliverer *d, struct under_way *u);
/* Behind save_finish_all(): the outcome, and all is closed. */
void copy_end(struct deliverer *d, struct under_way *u);

#endif
