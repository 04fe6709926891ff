#include "lib/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"

static bool
fail(struct str *s)
{
	s->failed = true;
	return false;
}

bool
str_reserve(struct str *s, size_t more)
{
	size_t wanted;
	if (s->failed || __builtin_add_overflow(s->len, more, &wanted) || wanted > s->limit)
		return fail(s);
	if (__builtin_add_overflow(wanted, 1, &wanted))
		return fail(s);
	if (wanted <= s->room)
		return true;
	size_t room = s->room < 64 ? 64 : s->room;
	while (room < wanted)
		if (__builtin_mul_overflow(room, 2, &room))
			return fail(s);
	char *data = realloc(s->data, room);
	if (data == NULL)
		return fail(s);
	s->data = data;
	s->room = room;
	return true;
}

bool
str_append(struct str *s, const void *bytes, size_t len)
{
	if (!str_reserve(s, len))
		return false;
	if (len > 0)
		memcpy(s->data + s->len, bytes, len);
	s->len += len;
	s->data[s->len] = '\0';
	return true;
}

bool
str_append_slice(struct str *s, struct slice part)
{
	return str_append(s, part.data, part.len);
}

bool
str_append_text(struct str *s, const char *text)
{
	return str_append(s, text, strlen(text));
}

bool
str_append_byte(struct str *s, char byte)
{
	return str_append(s, &byte, 1);
}

bool
str_append_number(struct str *s, uint64_t number)
{
	char room[NUMBER_WIDTH_MOST];
	return str_append_slice(s, number_digits(room, number, 10, 0));
}

bool
str_append_format(struct str *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || !str_reserve(s, (size_t)len))
		return fail(s);
	va_start(args, format);
	vsnprintf(s->data + s->len, (size_t)len + 1, format, args);
	va_end(args);
	s->len += (size_t)len;
	return true;
}

bool
str_set(struct str *s, struct slice content)
{
	str_clear(s);
	return str_append_slice(s, content);
}

void
str_consume(struct str *s, size_t len)
{
	if (len >= s->len) {
		str_truncate(s, 0);
		return;
	}
	memmove(s->data, s->data + len, s->len - len + 1);
	s->len -= len;
}

void
str_truncate(struct str *s, size_t len)
{
	if (len > s->len)
		return;
	s->len = len;
	if (s->data != NULL)
		s->data[len] = '\0';
}

void
str_clear(struct str *s)
{
	s->failed = false;
	str_truncate(s, 0);
}

void
str_free(struct str *s)
{
	free(s->data);
	*s = STR_MOST(s->limit);
}

const char *
str_text(const struct str *s)
{
	return s->data != NULL ? s->data : "";
}

struct slice
str_slice(const struct str *s)
{
	return (struct slice){str_text(s), s->len};
}
