#include "trace/memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/program.h"

void *
memory_grow(void *array, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 16 : *room * 2;
	void *fresh = reallocarray(array, more, size);
	if (fresh == NULL) {
		fprintf(stderr, "postern-trace: there is not enough memory for all that was found\n");
		exit(EXIT_TEMPORARY);
	}
	*room = more;
	return fresh;
}
