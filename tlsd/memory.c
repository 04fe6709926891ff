#include "tlsd/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#define REGION  (16u << 20) /* addresses; a session uses some 100 KiB of it */
#define AT_ONCE (96u << 10) /* what every handshake needs, mapped in one step */
#define SMALLEST 5          /* blocks are 2^5 to 2^20 bytes */
#define LARGEST  20

/* In front of each block of a child. What was given back is in a list of its size. */
struct block {
	struct block *next;
	size_t        size; /* without this head: a power of two */
};

static struct {
	char         *from, *end, *next; /* NULL: this is no child */
	struct block *free[LARGEST + 1];
} region;

static bool
is_ours(const void *bytes)
{
	return region.from != NULL && (const char *)bytes >= region.from && (const char *)bytes < region.end;
}

static unsigned
class_of(size_t size)
{
	unsigned class = SMALLEST;
	while (class <= LARGEST && ((size_t)1 << class) < size)
		class++;
	return class;
}

static void *
take_from_region(size_t size)
{
	unsigned class = class_of(size);
	if (class > LARGEST)
		return NULL;
	struct block *b = region.free[class];
	if (b != NULL) {
		region.free[class] = b->next;
		return b + 1;
	}
	size_t whole = sizeof *b + ((size_t)1 << class);
	if (whole > (size_t)(region.end - region.next))
		return NULL;
	b = (struct block *)(void *)region.next;
	region.next += whole;
	b->size = (size_t)1 << class;
	return b + 1;
}

static void *
take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return region.from != NULL ? take_from_region(size) : malloc(size);
}

static void
give(void *bytes, const char *file, int line)
{
	(void)file, (void)line;
	if (region.from == NULL) {
		free(bytes);
	} else if (is_ours(bytes)) {
		struct block *b = (struct block *)bytes - 1;
		unsigned class = class_of(b->size);
		b->next = region.free[class];
		region.free[class] = b;
	}
}

static void *
change(void *bytes, size_t size, const char *file, int line)
{
	if (bytes == NULL)
		return take(size, file, line);
	/* One that the acceptor had: seldom, and malloc(3) knows its size. */
	if (!is_ours(bytes))
		return realloc(bytes, size);
	const struct block *b = (const struct block *)bytes - 1;
	if (size <= b->size)
		return bytes;
	void *larger = take_from_region(size);
	if (larger == NULL)
		return NULL;
	memcpy(larger, bytes, b->size);
	give(bytes, file, line);
	return larger;
}

void
memory_install(void)
{
#ifndef POSTERN_SANITIZE
	/* The sanitizers see mistakes in malloc's blocks only. */
	CRYPTO_set_mem_functions(take, change, give);
#endif
}

void
memory_begin_child(void)
{
	char *from = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (from == MAP_FAILED)
		return;
	madvise(from, AT_ONCE, MADV_POPULATE_WRITE); /* where the kernel is too old, each page when it is touched */
	region.from = region.next = from;
	region.end = from + REGION;
}
