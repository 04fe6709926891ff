#include "tlsd/own_memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#define STRETCH  ((size_t)4 << 20) /* bytes of address space; pages are there when they are written */
#define SMALLEST 32                /* bytes of the least size, with its head */
#define SIZES    16                /* each twice the one before: 1 MiB is the largest */
#define PAGE     4096

/* Before each piece; a free one says there which is the next. */
struct head {
	_Alignas(16) size_t size; /* its number */
	struct head *next;
};

/* A child's. */
static struct {
	char        *begin; /* NULL: this is the acceptor, malloc(3) answers */
	size_t       used;
	struct head *free[SIZES];
} own;

static size_t
bytes_of(size_t size)
{
	return (size_t)SMALLEST << size;
}

static bool
is_own(const void *piece)
{
	return own.begin != NULL && (uintptr_t)piece - (uintptr_t)own.begin < STRETCH;
}

/* SIZES: it is too large. */
static size_t
size_for(size_t bytes)
{
	size_t size = 0;
	while (size < SIZES && bytes_of(size) - sizeof(struct head) < bytes)
		size++;
	return size;
}

static struct head *
cut(size_t size)
{
	if (STRETCH - own.used < bytes_of(size))
		return NULL;
	struct head *h = (struct head *)(own.begin + own.used);
	own.used += bytes_of(size);
	h->size = size;
	return h;
}

void *
own_memory_take(size_t bytes)
{
	size_t size = own.begin != NULL ? size_for(bytes) : SIZES;
	if (size == SIZES)
		return malloc(bytes);
	struct head *h = own.free[size];
	if (h == NULL)
		h = cut(size);
	else
		own.free[size] = h->next;
	return h != NULL ? h + 1 : malloc(bytes);
}

void
own_memory_free(void *piece)
{
	if (own.begin == NULL)
		free(piece);
	/* Pieces of the acceptor stay: to free them is to write there. The process ends with its session. */
	if (!is_own(piece))
		return;
	struct head *h = (struct head *)piece - 1;
	h->next = own.free[h->size];
	own.free[h->size] = h;
}

void *
own_memory_resize(void *piece, size_t bytes)
{
	if (own.begin == NULL)
		return realloc(piece, bytes);
	if (piece == NULL)
		return own_memory_take(bytes);
	size_t room = is_own(piece) ? bytes_of(((struct head *)piece - 1)->size) - sizeof(struct head) : malloc_usable_size(piece);
	if (bytes <= room)
		return piece;
	void *larger = own_memory_take(bytes);
	if (larger == NULL)
		return NULL;
	memcpy(larger, piece, room);
	own_memory_free(piece);
	return larger;
}

void
own_memory_begin(void)
{
	void *begin = mmap(NULL, STRETCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	own.begin = begin != MAP_FAILED ? begin : NULL;
}

void
own_memory_give_back(void *begin, size_t bytes)
{
	uintptr_t first = ((uintptr_t)begin + PAGE - 1) / PAGE * PAGE, end = ((uintptr_t)begin + bytes) / PAGE * PAGE;
	if (first < end)
		madvise((void *)first, end - first, MADV_DONTNEED);
}

void
own_memory_rest(void)
{
	for (size_t size = size_for(PAGE); size < SIZES; size++)
		for (struct head *h = own.free[size]; h != NULL; h = h->next)
			own_memory_give_back(h + 1, bytes_of(size) - sizeof *h);
}

/* --- as OpenSSL calls it ------------------------------------------------------------ */

static void *
take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return own_memory_take(size);
}

static void *
resize(void *piece, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return own_memory_resize(piece, size);
}

static void
give(void *piece, const char *file, int line)
{
	(void)file;
	(void)line;
	own_memory_free(piece);
}

void
own_memory_prepare(void)
{
	CRYPTO_set_mem_functions(take, resize, give);
}
