/* Printing what stands in a log. */
#ifndef TRACE_PRINT_H
#define TRACE_PRINT_H

#include "lib/base/slice.h"

/* Bytes outside printable ASCII become '?': our own lines have none, but a file may hold anything. */
void print_clean(struct slice s);

#endif
