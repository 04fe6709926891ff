/* Counting what a Maildir++ holds, by the names of its files (maildirsize's rules). The store's own. */
#ifndef STORE_QUOTA_COUNT_H
#define STORE_QUOTA_COUNT_H

#include "lib/store/maildir.h"
#include "lib/store/quota_rules.h"

/*
 * All folders but those that the rules leave uncounted. The size of a message
 * is what its name says (S=), or else its file's. `*still`: new/ and cur/ of all
 * of them stood still meanwhile. False with errno.
 */
bool quota_count(const struct maildir *m, const struct quota_rules *rules, struct quota_amount *used, bool *still);
/* One folder; zero when it is not there. */
bool quota_count_folder(const struct maildir *m, struct slice name, struct quota_amount *used);
/* The size of a file of this name in a directory; false when it is no message or gone. */
bool quota_count_file(int directory, const char *name, uint64_t *size);

#endif
