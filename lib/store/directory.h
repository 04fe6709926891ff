/* One step beneath an open directory, never through a symbolic link. The store's own, and for small files of pop3d's sessions. */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <dirent.h>
#include <sys/stat.h>

/* Opens the directory `name` (one level) for reading; with `create` makes it (0700, parent synced) when absent. -1 with errno. */
int directory_open(int parent, const char *name, bool create);
/* Opens a regular file for reading; EINVAL for anything else, ELOOP for a symbolic link. */
int directory_open_file(int parent, const char *name);
/* The same, with what fstat(2) says of it. */
int directory_open_stat(int parent, const char *name, struct stat *st);
/* Opens a file of ours for writing, made (0600) when absent; `flags` are added. EINVAL: no regular file, or one that bears another name too, so may be a stranger's. */
int directory_open_own(int parent, const char *name, int flags);
/* Reads a regular file whole (NUL behind it). NULL with errno. */
char *directory_read_file(int parent, const char *name, size_t most, size_t *len);
/* A stream over the directory that leaves `fd` open and begins at its start. */
DIR *directory_list(int fd);
/* "." and ".." */
bool directory_is_dots(const char *name);
/* Closes a descriptor if it is one, keeps errno, returns -1. */
int directory_close(int fd);

/*
 * Replaces a file: writes `temporary`, syncs it, renames it to `name`, syncs
 * the directory. On failure the old one stands and `temporary` is gone.
 */
bool directory_replace(int parent, const char *temporary, const char *name, const void *content, size_t len);

#endif
