/* Memory of a tool: when there is no more it says so and ends. */
#ifndef TRACE_MEMORY_H
#define TRACE_MEMORY_H

#include <stddef.h>

/* Makes room for more elements of `size` bytes and counts them in `*room`. */
void *memory_grow(void *array, size_t *room, size_t size);

#endif
