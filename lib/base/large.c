#include "lib/base/large.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SMALL_PAGE ((size_t)4096)

/* A sanitizer watches what malloc(3) gives. */
static bool
is_large(size_t size)
{
#ifdef POSTERN_SANITIZE
	(void)size;
	return false;
#else
	return size >= LARGE_LEAST && size <= PTRDIFF_MAX - 2 * LARGE_PAGE;
#endif
}

static size_t
round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

/* On a border of large pages: what is before and behind goes back at once. */
static void *
map(size_t size)
{
	size_t len = round_up(size, LARGE_PAGE), all = len + LARGE_PAGE;
	char *start = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	size_t before = round_up((uintptr_t)start, LARGE_PAGE) - (uintptr_t)start;
	if (before > 0)
		munmap(start, before);
	if (before < LARGE_PAGE)
		munmap(start + before + len, LARGE_PAGE - before);
	madvise(start + before, len, MADV_HUGEPAGE);
	return start + before;
}

void *
large_take(size_t size)
{
	return is_large(size) ? map(size) : malloc(size);
}

void
large_give(void *piece, size_t size)
{
	if (piece != NULL && is_large(size))
		munmap(piece, round_up(size, LARGE_PAGE));
	else
		free(piece);
}

void *
large_resize(void *piece, size_t before, size_t size)
{
	if (!is_large(before) && !is_large(size))
		return realloc(piece, size);
	if (piece != NULL && is_large(before) && is_large(size) && round_up(before, LARGE_PAGE) == round_up(size, LARGE_PAGE))
		return piece;
	void *grown = large_take(size);
	if (grown == NULL)
		return NULL;
	if (piece != NULL)
		memcpy(grown, piece, before < size ? before : size);
	large_give(piece, before);
	return grown;
}

void
large_rest(void *piece, size_t size, size_t used)
{
	size_t from = round_up(used, SMALL_PAGE), end = round_up(size, LARGE_PAGE);
	if (piece != NULL && is_large(size) && from < end)
		madvise((char *)piece + from, end - from, MADV_DONTNEED);
}
