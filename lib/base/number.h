/* Numbers read from text, and written as text; no sign, no white space, no overflow. */
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

#define NUMBER_WIDTH_MOST 32

/* Its digits in base 10 or 16, with zeros before them up to `width` (at most NUMBER_WIDTH_MOST); they lie in `room`. For thousands of lines, where printf(3) costs more than all else. */
struct slice number_digits(char room[NUMBER_WIDTH_MOST], uint64_t number, unsigned base, size_t width);

#endif
