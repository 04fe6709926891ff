/*
 * The file `subscriptions` of a Maildir as Dovecot keeps it: version 2 begins
 * with "V", tab, "2" and an empty line, and has a tab between levels; version
 * 1 is one name a line. Both are read; the version found is written.
 */
#ifndef STORE_SUBSCRIPTIONS_H
#define STORE_SUBSCRIPTIONS_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/store/folders.h"
#include "lib/store/maildir.h"

/* Names sorted by bytes, each once, "INBOX" among them when subscribed; may name folders that do not exist. */
bool subscriptions_list(const struct maildir *m, struct folder_names *names);
/* Adds or removes a name (INBOX or a valid folder name); true as well when nothing is to do. Durable. */
bool subscriptions_set(const struct maildir *m, struct slice name, bool subscribed);

#endif
