/*
 * Makes files and directories durable together. The store's own.
 *
 * fsync(2) of each is right everywhere, and each costs a flush of the disk's
 * cache even when the one before has brought all of it there. Linux says of
 * syncfs(2) that it guarantees what fsync(2) of every file of the file system
 * would, and since 5.8 that it tells of any that could not be written: so one
 * call serves a group. It is used where that holds (ext4, XFS, Btrfs, tmpfs;
 * others, FUSE above all, may do nothing), for a group that is worth it, on one
 * file system; and not for a while when it took long, because it waits for what
 * other programs have written as well. When it fails each is synced by itself,
 * which tells whose trouble it was: the files must have been opened before they
 * were written, as the kernel keeps an error for those that have them open.
 */
#ifndef STORE_SETTLE_H
#define STORE_SETTLE_H

#include <stdbool.h>
#include <stddef.h>

/* Syncs all that are open on `fds`; errors[i] becomes 0, or the errno of that one's failure. */
void settle_all(const int *fds, int *errors, size_t count);
/*
 * Whether a sync of the file `last` brings along the names that the directory
 * `first` was given before the file was written: its journal has changes in the order in which they
 * were made (ext4, XFS, tmpfs), and both are on one file system.
 */
bool settle_in_order(int first, int last);
/*
 * The bytes of a file are on the disk before any name that it gets after this:
 * durable together with that name, by whoever syncs that. Without a flush and
 * without a commit of the journal where the journal has a file's blocks and size
 * before a rename that comes later, and a commit flushes the disk first (ext4 in
 * any data= mode, XFS, tmpfs; not Btrfs, whose pages count as written before its
 * tree knows of them); else by fsync(2). False with errno.
 */
bool settle_bytes(int fd);

#endif
