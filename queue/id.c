#include "queue/id.h"

#include <string.h>

#include "lib/base/clock.h"

#define MARK_BITS 10

/* In ASCII order, so that names sort by time. */
static const char alphabet[] = "234567abcdefghijklmnopqrstuvwxyz";

void
id_source_begin(struct id_source *s, uint64_t start)
{
	s->last = 0;
	s->mark = start & ((1u << MARK_BITS) - 1);
}

uint64_t
id_next(struct id_source *s)
{
	uint64_t now = (uint64_t)clock_unix_us();
	s->last = now > s->last ? now : s->last + 1;
	return s->last << MARK_BITS | s->mark;
}

void
id_print(uint64_t id, char text[ID_LETTERS + 1])
{
	for (int i = ID_LETTERS - 1; i >= 0; i--) {
		text[i] = alphabet[id & 31];
		id >>= 5;
	}
	text[ID_LETTERS] = '\0';
}

bool
id_parse(struct slice text, uint64_t *id)
{
	if (text.len != ID_LETTERS)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.data[i] != '\0' ? strchr(alphabet, text.data[i]) : NULL;
		if (at == NULL || value >> 59 != 0)
			return false;
		value = value << 5 | (uint64_t)(at - alphabet);
	}
	*id = value;
	return true;
}

uint64_t
id_time(uint64_t id)
{
	return id >> MARK_BITS;
}
