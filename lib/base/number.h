/* Numbers read from text; no sign, no white space, no overflow. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

/* The whole slice is a decimal number of at most `most`. */
bool number_parse(struct slice text, uint64_t most, uint64_t *number);
/* A number with an optional unit: K, M, G (times 1024). "10M". */
bool number_parse_size(struct slice text, uint64_t most, uint64_t *bytes);
/* A number with an optional unit: s, m, h, d, w. "5d". */
bool number_parse_seconds(struct slice text, uint64_t most, uint64_t *seconds);

#endif
