#include "imapd/namespace.h"

#include <stdlib.h>
#include <string.h>

#include "imapd/pattern.h"
#include "lib/mail/imap_reply.h"
#include "lib/mail/nfc.h"
#include "lib/store/utf7.h"

static bool prefixed;

void
namespace_use_prefix(bool use)
{
	prefixed = use;
}

const char *
namespace_prefix(void)
{
	return prefixed ? NAMESPACE_PREFIX : "";
}

struct slice
namespace_inward(struct slice name)
{
	if (!prefixed || folders_is_inbox(name))
		return name;
	struct slice rest = slice_from(name, sizeof NAMESPACE_PREFIX - 1);
	/* "INBOX.INBOX" would be a second name of INBOX. */
	if (!slice_starts_nocase(name, NAMESPACE_PREFIX) || folders_is_inbox(rest))
		return slice_of("");
	return rest;
}

/* As long as it is: what is too long for a name the store refuses. */
static bool
take_utf8(struct parser *p, struct slice *name)
{
	struct str text = STR_MOST(name->len * UTF7_GROWTH + 8);
	bool ok = utf7_from_utf8(&text, *name);
	char *copy = ok ? scratch_copy(p->scratch, str_slice(&text)) : NULL;
	if (copy != NULL)
		*name = slice_make(copy, text.len);
	str_free(&text);
	if (!ok)
		return parse_fail(p, "a folder's name is no UTF-8, or has control characters");
	return copy != NULL || parse_fail(p, "the command needs too much memory");
}

bool
namespace_take(struct parser *p, struct slice *name)
{
	return parse_astring(p, name) && (!p->utf8 || take_utf8(p, name));
}

bool
namespace_parse(struct parser *p, struct slice *name)
{
	if (!namespace_take(p, name))
		return false;
	*name = namespace_inward(*name);
	return true;
}

/* U+2028 or U+2029. */
static bool
has_separator(struct slice text)
{
	bool has = false;
	for (size_t i = 0; i < text.len && !has; i++)
		has = slice_starts(slice_from(text, i), "\xe2\x80\xa8") || slice_starts(slice_from(text, i), "\xe2\x80\xa9");
	return has;
}

bool
namespace_may_be_made(bool utf8, struct slice name)
{
	if (!utf8 || !slice_has(name, '&'))
		return true;
	struct str text = STR_MOST(name.len * UTF7_GROWTH + 8);
	bool may = !utf7_to_utf8(&text, name) || (nfc_is(str_slice(&text)) && !has_separator(str_slice(&text))); /* what is no name the store refuses */
	str_free(&text);
	return may;
}

struct slice
namespace_name(struct scratch *scratch, struct slice name)
{
	if (!prefixed || folders_is_inbox(name))
		return name;
	size_t prefix = sizeof NAMESPACE_PREFIX - 1;
	char *longer = scratch_take(scratch, prefix + name.len + 1);
	if (longer == NULL)
		return slice_make(NULL, 0);
	memcpy(longer, NAMESPACE_PREFIX, prefix);
	memcpy(longer + prefix, name.data, name.len);
	return slice_make(longer, prefix + name.len);
}

void
namespace_write(struct output *out, bool utf8, struct slice name)
{
	struct str text = STR_MOST(NAMESPACE_NAME_MOST * UTF7_GROWTH);
	if (utf8 && slice_has(name, '&') && utf7_to_utf8(&text, name))
		reply_utf8_astring(out, str_slice(&text));
	else
		reply_astring(out, name);
	str_free(&text);
}

bool
namespace_matches(bool utf8, struct slice pattern, struct slice name)
{
	if (!utf8 || !slice_has(name, '&'))
		return pattern_matches(pattern, name);
	struct str text = STR_MOST(NAMESPACE_NAME_MOST * UTF7_GROWTH);
	bool fits = utf7_to_utf8(&text, name) && pattern_matches(pattern, str_slice(&text));
	str_free(&text);
	return fits;
}

static bool
add_prefix(char **name)
{
	size_t len = strlen(*name), prefix = sizeof NAMESPACE_PREFIX - 1;
	char *longer = malloc(prefix + len + 1);
	if (longer == NULL)
		return false;
	memcpy(longer, NAMESPACE_PREFIX, prefix);
	memcpy(longer + prefix, *name, len + 1);
	free(*name);
	*name = longer;
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
namespace_outward(struct folder_names *names)
{
	if (!prefixed)
		return true;
	for (size_t i = 0; i < names->count; i++)
		if (!folders_is_inbox(slice_of(names->names[i])) && !add_prefix(&names->names[i]))
			return false;
	if (names->count > 1)
		qsort(names->names, names->count, sizeof *names->names, compare_names);
	return true;
}

bool
namespace_pattern(struct scratch *scratch, struct slice *pattern)
{
	if (!prefixed || !slice_starts_nocase(*pattern, NAMESPACE_PREFIX))
		return true;
	char *own = scratch_take(scratch, pattern->len + 1);
	if (own == NULL)
		return false;
	memcpy(own, pattern->data, pattern->len);
	memcpy(own, NAMESPACE_PREFIX, sizeof NAMESPACE_PREFIX - 1);
	*pattern = slice_make(own, pattern->len);
	return true;
}
