/*
 * Memory of more than half a megabyte that will be filled at once. Each page of
 * 4 KiB that is touched first is a way into the kernel, on virtual machines to
 * the host too: that cost more than all that was done with 20,000 messages. So
 * it is asked for in pages of 2 MiB (THP; where there are none, all is as with
 * malloc(3)). What is smaller is malloc(3)'s: whoever has it says its size.
 */
#ifndef BASE_LARGE_H
#define BASE_LARGE_H

#include <stddef.h>

#define LARGE_LEAST ((size_t)512 << 10)
#define LARGE_PAGE  ((size_t)2 << 20)

/* What is in it nobody knows. NULL without memory. */
void *large_take(size_t size);
/* As realloc(3): `piece` may be NULL, and stays when there is no memory. */
void *large_resize(void *piece, size_t before, size_t size);
void  large_give(void *piece, size_t size);
/* What lies behind the first `used` bytes is the kernel's again, as far as whole pages go; it may be used later. */
void  large_rest(void *piece, size_t size, size_t used);

#endif
