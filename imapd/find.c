#include "imapd/find.h"

#include <string.h>

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

bool
needle_in(const struct needle *n, struct slice hay)
{
	size_t len = n->text.len;
	if (len == 0)
		return true;
	for (size_t at = 0; at + len <= hay.len;) {
		struct slice window = slice_make(hay.data + at, len);
		unsigned char last = (unsigned char)window.data[len - 1];
		if (ascii_lower(last) == ascii_lower((unsigned char)n->text.data[len - 1]) &&
		    slice_equal_nocase(window, n->text))
			return true;
		at += n->skip[last];
	}
	return false;
}
