#include "pop3d/carried.h"

#include <string.h>

bool
carried_write(struct str *into, const struct carried *c)
{
	return str_append_format(into, "%s %s %s", language_tag(c->language), c->utf8 ? "utf8" : "ascii", c->mechanisms);
}

/* Names of mechanisms (RFC 4422 section 3.1) and the spaces between them: what goes out in CAPA. */
static bool
is_mechanisms(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum(text.data[i]) && text.data[i] != '-' && text.data[i] != '_' && text.data[i] != ' ')
			return false;
	return text.len < LOGIN_MECHANISMS_MOST;
}

void
carried_read(struct carried *c, struct slice text)
{
	struct slice word;
	*c = (struct carried){.language = LANGUAGE_DEFAULT};
	if (!slice_split(&text, ' ', &word) || !language_find(word, &c->language))
		return;
	c->utf8 = slice_split(&text, ' ', &word) && slice_is(word, "utf8");
	if (text.len > 0 && is_mechanisms(text))
		memcpy(c->mechanisms, text.data, text.len);
}
