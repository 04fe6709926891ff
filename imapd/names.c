#include "imapd/names.h"

#include <string.h>

#include "imapd/namespace.h"

/* The index of the first name that is not less. */
static size_t
lower_bound(const struct folder_names *names, struct slice name)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (slice_compare(slice_of(names->names[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
names_has(const struct folder_names *names, struct slice name)
{
	size_t at = lower_bound(names, name);
	return at < names->count && slice_equal(slice_of(names->names[at]), name);
}

bool
names_is_beneath(struct slice name, struct slice level)
{
	return name.len > level.len && name.data[level.len] == '.' && slice_equal(slice_first(name, level.len), level);
}

size_t
names_beneath(const struct folder_names *names, struct slice level)
{
	char prefix[NAMESPACE_NAME_MOST + 2];
	if (level.len > NAMESPACE_NAME_MOST)
		return names->count;
	memcpy(prefix, level.data, level.len);
	prefix[level.len] = '.';
	size_t at = lower_bound(names, slice_make(prefix, level.len + 1));
	return at < names->count && names_is_beneath(slice_of(names->names[at]), level) ? at : names->count;
}

bool
names_join_pattern(struct scratch *scratch, struct slice reference, struct slice *pattern)
{
	struct slice own = *pattern;
	if (reference.len > 0) {
		char *joined = scratch_take(scratch, reference.len + own.len + 1);
		if (joined == NULL)
			return false;
		memcpy(joined, reference.data, reference.len);
		memcpy(joined + reference.len, own.data, own.len);
		*pattern = slice_make(joined, reference.len + own.len);
	}
	return namespace_pattern(scratch, pattern);
}
