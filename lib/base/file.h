/* Files: whole reads, whole writes, durability. All calls go on after EINTR. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a regular file beneath `directory` (AT_FDCWD: the current one) into
 * malloc'ed memory with a NUL behind `*len` bytes. NULL with errno; EFBIG when
 * it is longer than `most`.
 */
char *file_read_whole(int directory, const char *name, size_t most, size_t *len);

/* Writes all bytes; false with errno (a short write is continued). */
bool file_write_all(int fd, const void *bytes, size_t len);
/* Reads exactly `len` bytes at `offset`; false with errno (EIO when the file ends before). */
bool file_read_at(int fd, void *bytes, size_t len, off_t offset);
bool file_write_at(int fd, const void *bytes, size_t len, off_t offset);
/* fsync(2) of the directory that `directory` is open on. */
bool file_sync_directory(int directory);

#endif
