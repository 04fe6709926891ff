#include "sieve/memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 16384

struct sieve_chunk {
	struct sieve_chunk *next;
	size_t              size, used;
	alignas(max_align_t) char bytes[];
};

static struct sieve_chunk *
add_chunk(struct sieve_memory *m, size_t size)
{
	size_t room = size > CHUNK ? size : CHUNK;
	if (room > SIEVE_MEMORY_MOST - m->used)
		return NULL;
	struct sieve_chunk *c = malloc(sizeof *c + room);
	if (c == NULL)
		return NULL;
	*c = (struct sieve_chunk){.next = m->chunks, .size = room};
	m->chunks = c;
	m->used += room;
	return c;
}

void *
sieve_take(struct sieve_memory *m, size_t size)
{
	const size_t step = alignof(max_align_t);
	struct sieve_chunk *c = m->chunks;
	if (size > SIEVE_MEMORY_MOST) {
		m->failed = true;
		return NULL;
	}
	size = (size + step - 1) / step * step;
	if (c == NULL || c->size - c->used < size)
		c = add_chunk(m, size);
	if (c == NULL) {
		m->failed = true;
		return NULL;
	}
	void *taken = c->bytes + c->used;
	c->used += size;
	return memset(taken, 0, size);
}

struct slice
sieve_keep(struct sieve_memory *m, struct slice bytes)
{
	char *copy = sieve_take(m, bytes.len + 1);
	if (copy == NULL)
		return slice_make(NULL, 0);
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	return slice_make(copy, bytes.len);
}

void
sieve_memory_free(struct sieve_memory *m)
{
	while (m->chunks != NULL) {
		struct sieve_chunk *next = m->chunks->next;
		free(m->chunks);
		m->chunks = next;
	}
	*m = (struct sieve_memory){.chunks = NULL};
}
