#include "trace/ids.h"

#include <stdlib.h>
#include <string.h>

#include "trace/memory.h"

bool
is_id(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum((unsigned char)text.data[i]))
			return false;
	return text.len > 0 && text.len < ID_MOST;
}

/* The position of the first that is not less. */
static size_t
place_of(const struct ids *ids, const char *text)
{
	size_t from = 0, to = ids->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (strcmp(ids->data[middle], text) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Copies an id with a NUL. False: it is none. */
static bool
copy_id(struct slice id, char text[ID_MOST])
{
	if (!is_id(id))
		return false;
	memcpy(text, id.data, id.len);
	text[id.len] = '\0';
	return true;
}

bool
ids_have(const struct ids *ids, struct slice id)
{
	char text[ID_MOST];
	if (ids->count == 0 || !copy_id(id, text))
		return false;
	size_t place = place_of(ids, text);
	return place < ids->count && strcmp(ids->data[place], text) == 0;
}

bool
ids_add(struct ids *ids, struct slice id)
{
	char text[ID_MOST];
	if (!copy_id(id, text) || ids_have(ids, id))
		return false;
	if (ids->count == ids->room)
		ids->data = memory_grow(ids->data, &ids->room, sizeof *ids->data);
	size_t place = place_of(ids, text);
	memmove(ids->data + place + 1, ids->data + place, (ids->count - place) * sizeof *ids->data);
	memcpy(ids->data[place], text, ID_MOST);
	ids->count++;
	return true;
}
