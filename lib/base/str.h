/*
 * A growable string of bytes with a hard cap. All sizes are checked here and
 * nowhere else. `data` is always followed by a NUL that `len` does not count.
 *
 * An append that would pass the cap, or for which there is no memory, changes
 * nothing, returns false and sets `failed`, which stays set until
 * str_clear(): a caller may append many parts and look once.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct str {
	char  *data;
	size_t len;
	size_t room;   /* bytes allocated */
	size_t limit;  /* the most that len may become */
	bool   failed;
};

/* An empty string of at most `most` bytes; nothing is allocated yet. */
#define STR_MOST(most) ((struct str){.limit = (most)})

/* Makes room for `more` bytes at once; those that append do it by themselves, in steps. */
bool str_reserve(struct str *s, size_t more);
bool str_append(struct str *s, const void *bytes, size_t len);
bool str_append_slice(struct str *s, struct slice part);
bool str_append_text(struct str *s, const char *text);
bool str_append_byte(struct str *s, char byte);
bool str_append_number(struct str *s, uint64_t number);
__attribute__((format(printf, 2, 3))) bool str_append_format(struct str *s, const char *format, ...);
/* Replaces the content. */
bool str_set(struct str *s, struct slice content);

/* Removes the first `len` bytes (or all). */
void str_consume(struct str *s, size_t len);
void str_truncate(struct str *s, size_t len);
/* Empty, not failed, memory kept for the next use. */
void str_clear(struct str *s);
/* Gives the memory back; the string may be used again. */
void str_free(struct str *s);

/* The content with a NUL behind it; never NULL. Valid until the next change. */
const char  *str_text(const struct str *s);
struct slice str_slice(const struct str *s);

#endif
