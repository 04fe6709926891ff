/*
 * A cursor reads a slice from left to right and has a code for "no more", so
 * that no parser walks a pointer past an end.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define CURSOR_END (-1)

struct cursor {
	struct slice rest;
};

struct cursor cursor_over(struct slice s);

bool cursor_at_end(const struct cursor *c);
/* The next byte as 0..255, or CURSOR_END; peek leaves it, next takes it. */
int  cursor_peek(const struct cursor *c);
int  cursor_next(struct cursor *c);
/* Takes `byte`, or `text` without regard to ASCII case, if that comes next. */
bool cursor_take(struct cursor *c, char byte);
bool cursor_take_nocase(struct cursor *c, const char *text);
/* Takes the longest run whose bytes satisfy `wanted`; may be empty. */
struct slice cursor_take_while(struct cursor *c, bool (*wanted)(int byte));
/* Takes decimal digits as a number of at most `most`; false (nothing taken) when there is none or it is too large. */
bool cursor_take_number(struct cursor *c, uint64_t most, uint64_t *number);
/* The same for a number of 1 and more without a leading zero (nz-number of RFC 3501 section 9). */
bool cursor_take_nz_number(struct cursor *c, uint64_t most, uint64_t *number);
/* Takes `len` bytes, false (nothing taken) when there are fewer. */
bool cursor_take_bytes(struct cursor *c, size_t len, struct slice *bytes);
void cursor_skip_spaces(struct cursor *c);

#endif
