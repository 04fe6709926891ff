/*
 * A user's Maildir++ as the root of all that lib/store does. Nothing is ever
 * opened but by one name at a time beneath an open directory, and never
 * through a symbolic link: a name from a table or a client, or a link planted
 * in the mail root, reaches nothing outside (promise 12).
 *
 * All calls of lib/store that return bool or a descriptor fail with errno:
 * ENOENT (no such folder or message), EEXIST, EINVAL (a name that cannot be),
 * ENOSPC or EDQUOT (no room), ETIMEDOUT (a lock is held), others: trouble of
 * the machine. None of them but ENOENT, EEXIST and EINVAL is permanent.
 *
 * Works with what CALLS_BASIC, CALLS_READ_FILES and CALLS_WRITE_FILES permit,
 * and with a Landlock rule for the user's Maildir alone.
 */
#ifndef STORE_MAILDIR_H
#define STORE_MAILDIR_H

#include <stdbool.h>

struct maildir {
	int root; /* the user's Maildir: cur, new, tmp of INBOX and the `.Folder`s are in it */
};

/*
 * Opens `path` (relative, as the table says it: "example.org/anna/Maildir/")
 * beneath the directory `mail_root`. EINVAL: empty, absolute, longer than
 * PATH_MAX, or with "." or ".." in it. ELOOP or ENOTDIR: a symbolic link or a
 * file is in the way. With `create`, what is absent is made (mode 0700, each
 * parent synced), cur, new and tmp too; without it absence is ENOENT.
 */
bool maildir_open(struct maildir *m, int mail_root, const char *path, bool create);
void maildir_close(struct maildir *m);
/* The same, but makes only the directories down to the Maildir itself, not what is in it. */
bool maildir_make(struct maildir *m, int mail_root, const char *path);

/*
 * A directory that we make is synced in its parent before anything is put into
 * it, so what we find is durable, but for one that another process has made
 * this moment and is about to sync. Who finds a young one (`directory` was made
 * within the last two minutes, or nobody knows when) must not rely on it before
 * he has synced the way to it himself: maildir_sync_way() does it from the mail
 * root down to the names in the Maildir. What a person made by hand is on
 * the disk within a minute by the kernel's own doing.
 */
bool maildir_is_young(int directory);
bool maildir_sync_way(const struct maildir *m, int mail_root, const char *path);

/* The name of this host (lib/base/host.h) as it may stand in a message's name. */
const char *maildir_host(void);

#endif
