/* The canonical form of an address. */
#include "lib/mail/address_text.h"

#include <string.h>

static bool
is_atom_byte(int c)
{
	return ascii_is_alnum(c) || c >= 0x80 || (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
address_is_local_byte(int c)
{
	return is_atom_byte(c) || c == '.';
}

/* No dot at an end, no two in a row. */
bool
address_has_right_dots(struct slice text)
{
	if (text.len == 0 || text.data[0] == '.' || text.data[text.len - 1] == '.')
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (text.data[i] == '.' && text.data[i - 1] == '.')
			return false;
	return true;
}

static bool
needs_quotes(struct slice local)
{
	for (size_t i = 0; i < local.len; i++)
		if (!address_is_local_byte((unsigned char)local.data[i]))
			return true;
	return !address_has_right_dots(local);
}

static bool
needs_backslash(char c)
{
	return c == '"' || c == '\\';
}

bool
address_print(struct str *into, struct slice local, struct slice domain)
{
	bool quoted = (local.len > 0 || domain.len > 0) && needs_quotes(local);
	size_t before = into->len;
	bool ok = !quoted || str_append_byte(into, '"');
	for (size_t i = 0; i < local.len && ok; i++)
		ok = (!needs_backslash(local.data[i]) || str_append_byte(into, '\\')) &&
		    str_append_byte(into, local.data[i]);
	ok = ok && (!quoted || str_append_byte(into, '"'));
	if (ok && domain.len > 0)
		ok = str_append_byte(into, '@') && str_append_slice(into, domain);
	if (!ok)
		str_truncate(into, before);
	return ok;
}

size_t
address_printed_length(struct slice local)
{
	size_t len = local.len + (needs_quotes(local) ? 2 : 0);
	for (size_t i = 0; i < local.len; i++)
		len += needs_backslash(local.data[i]);
	return len;
}

void
address_write_text(struct address *a)
{
	bool quoted = needs_quotes(address_local(a));
	char *at = a->text;
	if (quoted)
		*at++ = '"';
	for (size_t i = 0; i < a->local_len; i++) {
		if (needs_backslash(a->local[i]))
			*at++ = '\\';
		*at++ = a->local[i];
	}
	if (quoted)
		*at++ = '"';
	if (a->domain_len > 0) {
		*at++ = '@';
		memcpy(at, a->domain, a->domain_len);
		at += a->domain_len;
	}
	*at = '\0';
	a->text_len = (size_t)(at - a->text);
}
