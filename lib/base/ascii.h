/* Questions about bytes that parsers of more than one program ask. */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>

#include "lib/base/slice.h"

/* The value of a hexadecimal digit, or -1; in either case, or in that one alone. */
int ascii_hex(int c);
int ascii_hex_lower(int c);
int ascii_hex_upper(int c);

/* A control byte is in it, NUL and DEL too. */
bool ascii_has_control(struct slice text);

#endif
