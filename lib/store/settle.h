/*
 * Makes files and directories durable together. The store's own, but for
 * settle_prepare().
 *
 * fsync(2) of each is right everywhere, and each costs a flush of the disk's
 * cache even when the one before has brought all of it there. Two things spare
 * that where they hold:
 *
 *   - A journal that keeps the order of changes: what came earlier is in it
 *     before what came later, a file's blocks and size before a rename that
 *     comes behind its bytes, and a commit flushes the disk first. There bytes
 *     are written without a flush (sync_file_range(2)), and the sync of what was
 *     changed last brings all along. XFS; ext4 with a journal, in any data=
 *     mode; not Btrfs, whose pages count as written before its tree knows of them.
 *     Of ext4 settle_prepare() finds those that have a journal.
 *   - syncfs(2), of which Linux says that it guarantees what fsync(2) of every
 *     file of the file system would, and since 5.8 that it tells of any that
 *     could not be written: one call serves a group. It is used where that
 *     holds (ext4, XFS, Btrfs, tmpfs; others, FUSE above all, may do nothing),
 *     for a group that is worth it, on one file system; and not for a while when
 *     it took long, because it waits for what other programs have written as well.
 *     When it fails each is synced by itself, which tells whose trouble it was.
 *
 * Files must have been opened before they were written: the kernel keeps an
 * error for those that have them open.
 */
#ifndef STORE_SETTLE_H
#define STORE_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Once, before the confinement: which file systems have a journal, as /sys
 * tells. Without it, and for one that is mounted later, none has.
 */
void settle_prepare(void);
bool settle_has_journal(dev_t device);

/* Syncs all that are open on `fds`; errors[i] becomes 0, or the errno of that one's failure. */
void settle_all(const int *fds, int *errors, size_t count);
/*
 * The bytes of files are on the disk before any name that they get after this:
 * durable together with that name, by whoever syncs that.
 */
void settle_bytes(const int *fds, int *errors, size_t count);
/* The same for one. False with errno. */
bool settle_file(int fd);
/* The names that directories were given, the last one in `last`. Files that have them must have been through settle_bytes(). */
void settle_names(const int *directories, int *errors, size_t count, int last);
/* Whether a sync of the file `last` brings along the names that the directory `first` was given before that file was written. */
bool settle_in_order(int first, int last);

#endif
