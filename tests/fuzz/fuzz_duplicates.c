/* sources: lib/store/duplicates.c */
/* The file of what was delivered lately, as anybody may have written it; and that what is added to it is found. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/duplicates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	uint64_t mark = duplicates_mark(text, slice_of(""));
	duplicates_in(text, mark, 0);
	char line[64];
	int n = snprintf(line, sizeof line, "\n%010lld %016llx\n", 1700000000LL, (unsigned long long)mark);
	char *longer = malloc(size + (size_t)n);
	memcpy(longer, data, size);
	memcpy(longer + size, line, (size_t)n);
	struct slice all = slice_make(longer, size + (size_t)n);
	if (!duplicates_in(all, mark, 1700000000) || (duplicates_in(all, mark, 1700000001) && !duplicates_in(text, mark, 1700000001)))
		abort();
	free(longer);
	return 0;
}
