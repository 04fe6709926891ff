#include "imapd/namespace.h"

#include <stdlib.h>
#include <string.h>

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

bool
namespace_parse(struct parser *p, struct slice *name)
{
	if (!parse_astring(p, name))
		return false;
	*name = namespace_inward(*name);
	return true;
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
