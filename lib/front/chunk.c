#include "lib/front/chunk.h"

#include "lib/base/number.h"

#define DIGITS_MOST 20 /* RFC 3030 section 2 */

bool
chunk_parse(struct slice argument, struct chunk *c)
{
	size_t space = slice_find(argument, ' ');
	struct slice size = slice_first(argument, space), last = slice_trim(slice_from(argument, space));
	c->last = slice_is_nocase(last, "LAST");
	return size.len <= DIGITS_MOST && number_parse(size, UINT64_MAX, &c->size) && (c->last || last.len == 0);
}
