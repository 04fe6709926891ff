/*
 * A slice is a borrowed run of bytes: it never owns, and may hold NUL bytes.
 * All protocol text is handled as slices, so that a length always travels
 * with its pointer.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
	const char *data;
	size_t      len;
};

/* These three are what parsers do all the time: in the header, so that they cost no call. */
static inline struct slice
slice_make(const char *data, size_t len)
{
	return (struct slice){data, len};
}

/* The part from `start` (at most to the end). */
static inline struct slice
slice_from(struct slice s, size_t start)
{
	if (start > s.len)
		start = s.len;
	if (start == 0)
		return s; /* of nothing, too */
	return (struct slice){s.data + start, s.len - start};
}

/* The first `len` bytes (or all, when there are fewer). */
static inline struct slice
slice_first(struct slice s, size_t len)
{
	return (struct slice){s.data, len < s.len ? len : s.len};
}

/* A slice over a NUL-terminated text, without the NUL. NULL gives an empty slice. */
struct slice slice_of(const char *text);

bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice s, const char *text);
/* By bytes, for qsort(3): less than, equal to, or more than 0. */
int  slice_compare(struct slice a, struct slice b);
/* ASCII letters compared without case, other bytes as they are. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_is_nocase(struct slice s, const char *text);
bool slice_starts(struct slice s, const char *prefix);
bool slice_starts_nocase(struct slice s, const char *prefix);
bool slice_ends(struct slice s, const char *suffix);

/* The position of the first or last such byte, or s.len when there is none. */
size_t slice_find(struct slice s, char byte);
size_t slice_find_last(struct slice s, char byte);
bool   slice_has(struct slice s, char byte);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

/*
 * Takes the next part up to `separator` from `*rest` and moves `*rest` behind
 * the separator. False when nothing was left (an empty rest gives no part).
 */
bool slice_split(struct slice *rest, char separator, struct slice *part);

/* ASCII only, independent of any locale. */
bool ascii_is_alpha(int c);
bool ascii_is_digit(int c);
bool ascii_is_alnum(int c);

/* In the header: searches ask for each byte of a mailbox. */
static inline int
ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline int
ascii_upper(int c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

#endif
