#include "imapd/scratch.h"

#include <string.h>

#include "lib/base/large.h"

#define BLOCK 4096
#define MANY  ((size_t)128 << 10) /* bytes of a command that will want more */

struct scratch_block {
	struct scratch_block *next;
	size_t                used, room;
	max_align_t           bytes[];
};

static struct scratch_block *
add_block(struct scratch *s, size_t size)
{
	size_t room = s->used < MANY ? BLOCK : LARGE_PAGE - sizeof(struct scratch_block);
	if (room < size)
		room = size;
	struct scratch_block *b = large_take(sizeof *b + room);
	if (b == NULL)
		return NULL;
	b->used = 0;
	b->room = room;
	b->next = s->first;
	s->first = b;
	return b;
}

void *
scratch_take(struct scratch *s, size_t size)
{
	if (size > s->limit || s->used > s->limit - size)
		return NULL;
	size_t unit = sizeof(max_align_t);
	size = (size + unit - 1) / unit * unit;
	struct scratch_block *b = s->first;
	if (b == NULL || b->room - b->used < size)
		b = add_block(s, size);
	if (b == NULL)
		return NULL;
	void *piece = (char *)b->bytes + b->used;
	b->used += size;
	s->used += size;
	return memset(piece, 0, size);
}

void *
scratch_take_array(struct scratch *s, size_t count, size_t size)
{
	size_t all;
	if (__builtin_mul_overflow(count, size, &all))
		return NULL;
	return scratch_take(s, all);
}

char *
scratch_copy(struct scratch *s, struct slice text)
{
	char *copy = scratch_take(s, text.len + 1);
	if (copy != NULL && text.len > 0)
		memcpy(copy, text.data, text.len);
	return copy;
}

void
scratch_clear(struct scratch *s)
{
	while (s->first != NULL) {
		struct scratch_block *b = s->first;
		s->first = b->next;
		large_give(b, sizeof *b + b->room);
	}
	s->used = 0;
}
