#include "lib/mail/crlf.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define STEP 16

static __m128i
load(const char *from)
{
	return _mm_loadu_si128((const __m128i *)(const void *)from);
}

/* A bit for each of the bytes that is this one. */
static unsigned
places_of(__m128i bytes, char byte)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
}

/* How many whole steps hold LFs without a CR before them, `*lacking` in all. */
static size_t
count_steps(struct slice text, bool *carriage, uint64_t *lacking)
{
	size_t at = 0;
	unsigned before = *carriage;
	for (; text.len - at >= STEP; at += STEP) {
		__m128i bytes = load(text.data + at);
		unsigned returns = places_of(bytes, '\r');
		unsigned bare = places_of(bytes, '\n') & ~(returns << 1 | before);
		before = returns >> (STEP - 1);
		for (; bare != 0; bare &= bare - 1)
			++*lacking;
	}
	*carriage = before != 0;
	return at;
}

/* Copies whole steps; `*ended`: to an LF. */
static size_t
copy_steps(char *to, struct slice text, bool *ended)
{
	size_t at = 0;
	for (; text.len - at >= STEP; at += STEP) {
		__m128i bytes = load(text.data + at);
		_mm_storeu_si128((__m128i *)(void *)(to + at), bytes);
		unsigned found = places_of(bytes, '\n');
		*ended = found != 0;
		if (found != 0)
			return at + (size_t)__builtin_ctz(found);
	}
	return at;
}
#else
static size_t
count_steps(struct slice text, bool *carriage, uint64_t *lacking)
{
	(void)text;
	(void)carriage;
	(void)lacking;
	return 0;
}

static size_t
copy_steps(char *to, struct slice text, bool *ended)
{
	(void)to;
	(void)text;
	(void)ended;
	return 0;
}
#endif

uint64_t
crlf_size(struct slice text, bool *carriage)
{
	uint64_t lacking = 0;
	for (size_t at = count_steps(text, carriage, &lacking); at < text.len; at++) {
		lacking += text.data[at] == '\n' && !*carriage;
		*carriage = text.data[at] == '\r';
	}
	return text.len + lacking;
}

size_t
crlf_copy_line(char *to, struct slice text)
{
	bool ended = false;
	size_t at = copy_steps(to, text, &ended);
	for (; !ended && at < text.len && text.data[at] != '\n'; at++)
		to[at] = text.data[at];
	return at;
}

size_t
crlf_copy(char *to, struct slice text, bool *carriage)
{
	size_t len = 0;
	while (text.len > 0) {
		size_t line = crlf_copy_line(to + len, text);
		len += line;
		if (line > 0)
			*carriage = text.data[line - 1] == '\r';
		if (line == text.len)
			break;
		if (!*carriage)
			to[len++] = '\r';
		to[len++] = '\n';
		*carriage = false;
		text = slice_from(text, line + 1);
	}
	return len;
}
