#include "lib/base/slice.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct slice
slice_of(const char *text)
{
	return (struct slice){text, text != NULL ? strlen(text) : 0};
}

bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int
slice_compare(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool
slice_is(struct slice s, const char *text)
{
	return slice_equal(s, slice_of(text));
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower((unsigned char)a.data[i]) != ascii_lower((unsigned char)b.data[i]))
			return false;
	return true;
}

/* Most names that are asked for differ in their first letter, which bit 0x20 alone makes small. */
bool
slice_is_nocase(struct slice s, const char *text)
{
	if (s.len > 0 && text != NULL && ((s.data[0] ^ text[0]) & ~0x20) != 0)
		return false;
	return slice_equal_nocase(s, slice_of(text));
}

bool
slice_starts(struct slice s, const char *prefix)
{
	struct slice p = slice_of(prefix);
	return s.len >= p.len && slice_equal(slice_first(s, p.len), p);
}

bool
slice_starts_nocase(struct slice s, const char *prefix)
{
	struct slice p = slice_of(prefix);
	return s.len >= p.len && slice_equal_nocase(slice_first(s, p.len), p);
}

bool
slice_ends(struct slice s, const char *suffix)
{
	struct slice p = slice_of(suffix);
	return s.len >= p.len && slice_equal(slice_from(s, s.len - p.len), p);
}

/*
 * Lines are found with it in every message, and the C library's, where programs are static, looks at 8 bytes a step and
 * creeps byte by byte to the first that are aligned: here it is 16, and unaligned.
 */
#ifdef __SSE2__
static size_t
skip_without(struct slice s, char byte)
{
	const __m128i wanted = _mm_set1_epi8(byte);
	size_t at = 0;
	for (; s.len - at >= sizeof wanted; at += sizeof wanted) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(s.data + at));
		int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));
		if (found != 0)
			return at + (size_t)__builtin_ctz((unsigned)found);
	}
	return at;
}
#else
static size_t
skip_without(struct slice s, char byte)
{
	const char *at = s.len > 0 ? memchr(s.data, byte, s.len) : NULL;
	return at != NULL ? (size_t)(at - s.data) : s.len;
}
#endif

size_t
slice_find(struct slice s, char byte)
{
	size_t at = skip_without(s, byte);
	while (at < s.len && s.data[at] != byte)
		at++;
	return at;
}

size_t
slice_find_last(struct slice s, char byte)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.data[i - 1] == byte)
			return i - 1;
	return s.len;
}

bool
slice_has(struct slice s, char byte)
{
	return slice_find(s, byte) < s.len;
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
slice_split(struct slice *rest, char separator, struct slice *part)
{
	if (rest->len == 0)
		return false;
	size_t at = slice_find(*rest, separator);
	*part = slice_first(*rest, at);
	*rest = slice_from(*rest, at + 1);
	return true;
}

bool
ascii_is_alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
ascii_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

bool
ascii_is_alnum(int c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}
