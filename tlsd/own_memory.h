/*
 * Where OpenSSL takes its memory from. A child is a fork of the acceptor and
 * shares its heap until it writes to it. malloc(3) gives it the free pieces of
 * that heap, which lie everywhere, so that a session made 200 KiB its own for the
 * 15 KiB that it keeps. A child therefore takes from one stretch that nobody
 * else has, and leaves what it has inherited as it is.
 */
#ifndef TLSD_OWN_MEMORY_H
#define TLSD_OWN_MEMORY_H

#include <stddef.h>

/* Before anything of OpenSSL is called. From then on it asks here; until own_memory_begin() malloc(3) answers. */
void own_memory_prepare(void);
/* In a child, fresh from fork(2). What was taken before is not freed any more. Where there is no memory for it all stays as it was. */
void own_memory_begin(void);
/* For a session that is idle: what lies free is the kernel's again, as far as whole pages go. */
void own_memory_rest(void);
/* The same of one stretch, whose bytes are zero from then on. */
void own_memory_give_back(void *begin, size_t bytes);

/* As malloc(3), realloc(3) and free(3), for tests. */
void *own_memory_take(size_t size);
void *own_memory_resize(void *piece, size_t size);
void  own_memory_free(void *piece);

#endif
