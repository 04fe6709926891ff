#include "imapd/find.h"

#include <stdlib.h>
#include <string.h>

#define COMPARED_MOST 65536 /* bytes compared in vain, beyond some for each byte passed, before the way is changed */

void
needle_make(struct needle *n, struct slice text)
{
	size_t most = text.len < 255 ? text.len : 255;
	n->text = text;
	memset(n->skip, (int)most, sizeof n->skip);
	/* Only the last `most` bytes decide how far a window may move. */
	for (size_t i = text.len - most; i + 1 < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		unsigned char distance = (unsigned char)(text.len - 1 - i);
		n->skip[ascii_lower(byte)] = distance;
		n->skip[ascii_upper(byte)] = distance;
	}
}

static bool
same(char a, char b)
{
	return ascii_lower((unsigned char)a) == ascii_lower((unsigned char)b);
}

/* How many bytes are the same from the start on. */
static size_t
common(struct slice text, const char *with)
{
	size_t len = 0;
	while (len < text.len && same(text.data[len], with[len]))
		len++;
	return len;
}

/* borders[i]: how long a proper start of the first i + 1 bytes is their end as well. */
static void
fill_borders(struct slice text, size_t *borders)
{
	size_t len = 0;
	borders[0] = 0;
	for (size_t i = 1; i < text.len; i++) {
		while (len > 0 && !same(text.data[i], text.data[len]))
			len = borders[len - 1];
		len += same(text.data[i], text.data[len]);
		borders[i] = len;
	}
}

/* Looks at each byte twice at most. */
static bool
search_evenly(struct slice text, const size_t *borders, struct slice hay)
{
	size_t len = 0;
	for (size_t i = 0; i < hay.len && len < text.len; i++) {
		while (len > 0 && !same(hay.data[i], text.data[len]))
			len = borders[len - 1];
		len += same(hay.data[i], text.data[len]);
	}
	return len == text.len;
}

/* Without memory for the table the slow way goes on. */
static bool
change_way(const struct needle *n, struct slice hay, bool *found)
{
	size_t *borders = reallocarray(NULL, n->text.len, sizeof *borders);
	if (borders == NULL)
		return false;
	fill_borders(n->text, borders);
	*found = search_evenly(n->text, borders, hay);
	free(borders);
	return true;
}

bool
needle_in(const struct needle *n, struct slice hay)
{
	size_t len = n->text.len, compared = 0;
	bool found = false;
	if (len == 0)
		return true;
	for (size_t at = 0; at + len <= hay.len;) {
		const char *window = hay.data + at;
		if (same(window[len - 1], n->text.data[len - 1])) {
			size_t equal = common(n->text, window);
			if (equal == len)
				return true;
			compared += equal;
		}
		at += n->skip[(unsigned char)window[len - 1]];
		if (compared > COMPARED_MOST + 4 * at) {
			if (change_way(n, slice_from(hay, at), &found))
				return found;
			compared = 0;
		}
	}
	return false;
}
