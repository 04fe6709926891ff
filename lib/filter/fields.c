#include "lib/filter/fields.h"

#include <string.h>

#include "lib/mail/header.h"

size_t
fields_count(const struct fields *f)
{
	return f->list.len / sizeof(struct field);
}

static struct field
get(const struct fields *f, size_t n)
{
	struct field one;
	memcpy(&one, f->list.data + n * sizeof one, sizeof one);
	return one;
}

static void
set(struct fields *f, size_t n, const struct field *one)
{
	memcpy(f->list.data + n * sizeof *one, one, sizeof *one);
}

/* Before the n'th. */
static bool
put_in(struct fields *f, size_t n, const struct field *one)
{
	size_t at = n * sizeof *one, behind = f->list.len - at;
	if (!str_append(&f->list, one, sizeof *one))
		return false;
	memmove(f->list.data + at + sizeof *one, f->list.data + at, behind);
	set(f, n, one);
	return true;
}

static void
take_out(struct fields *f, size_t n)
{
	size_t at = n * sizeof(struct field), behind = at + sizeof(struct field);
	memmove(f->list.data + at, f->list.data + behind, f->list.len - behind);
	str_truncate(&f->list, f->list.len - sizeof(struct field));
	if (n < f->top)
		f->top--;
}

static void
clear(struct fields *f)
{
	str_clear(&f->text);
	str_clear(&f->list);
	f->top = 0;
}

bool
fields_read(struct fields *f, struct slice header)
{
	struct header_reader r;
	struct header_field h;
	clear(f);
	if (!str_append_slice(&f->text, header))
		return false;
	header_begin(&r, str_slice(&f->text));
	while (header_next(&r, &h)) {
		struct field one = {.at = h.start, .len = h.end - h.start, .name_len = h.name.len,
		    .value_at = (size_t)(h.value.data - f->text.data), .value_len = h.value.len};
		if (!put_in(f, fields_count(f), &one))
			return false;
	}
	return !r.over && r.at == header.len;
}

struct slice
fields_text(const struct fields *f, size_t n)
{
	struct field one = get(f, n);
	return slice_make(f->text.data + one.at, one.len);
}

bool
fields_get(const struct fields *f, size_t n, struct slice *name, struct slice *value)
{
	struct field one = get(f, n);
	*name = slice_make(f->text.data + one.at, one.name_len);
	*value = slice_make(f->text.data + one.value_at, one.value_len);
	return one.name_len > 0;
}

/* No value may end the header, or hold what is no line end and looks like one. */
static void
append_value(struct str *text, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.data[i];
		if (c == '\n') {
			str_append_text(text, "\r\n");
			if (i + 1 == value.len || (value.data[i + 1] != ' ' && value.data[i + 1] != '\t'))
				str_append_byte(text, '\t');
		} else if (c != '\r') {
			str_append_byte(text, c != '\0' ? c : '?');
		}
	}
}

/* A line of a fold that holds white space alone would be an empty line to some: it is left out with what is behind it. */
static struct slice
without_tail(struct slice value)
{
	while (value.len > 0 && strchr(" \t\r\n", value.data[value.len - 1]) != NULL && value.data[value.len - 1] != '\0')
		value.len--;
	return value;
}

static bool
make(struct fields *f, struct slice name, struct slice value, bool leading, struct field *one)
{
	*one = (struct field){.at = f->text.len, .name_len = name.len};
	str_append_slice(&f->text, name);
	str_append_byte(&f->text, ':');
	one->value_at = f->text.len;
	if (!leading)
		str_append_byte(&f->text, ' ');
	append_value(&f->text, without_tail(value));
	one->value_len = f->text.len - one->value_at;
	str_append_text(&f->text, "\r\n");
	one->len = f->text.len - one->at;
	return !f->text.failed;
}

bool
fields_add(struct fields *f, struct slice name, struct slice value, bool leading)
{
	struct field one;
	return make(f, name, value, leading, &one) && put_in(f, fields_count(f), &one);
}

/* The position of the index'th field that is shown (1: the first); behind the last one when there are fewer. */
static size_t
position(const struct fields *f, uint32_t index)
{
	for (size_t n = 0; n < fields_count(f); n++)
		if (get(f, n).name_len > 0 && --index == 0)
			return n;
	return fields_count(f);
}

bool
fields_insert(struct fields *f, uint32_t index, struct slice name, struct slice value, bool leading)
{
	struct field one;
	if (!make(f, name, value, leading, &one))
		return false;
	if (index > 0) {
		size_t n = position(f, index);
		return put_in(f, n, &one) && (n >= f->top || ++f->top);
	}
	if (!put_in(f, 0, &one))
		return false;
	f->top++;
	return true;
}

bool
fields_change(struct fields *f, uint32_t index, struct slice name, struct slice value, bool leading)
{
	struct slice own, ignored;
	struct field one;
	uint32_t left = index > 0 ? index : 1;
	for (size_t n = 0; n < fields_count(f); n++) {
		if (!fields_get(f, n, &own, &ignored) || !slice_equal_nocase(own, name) || --left > 0)
			continue;
		if (value.len == 0) {
			take_out(f, n);
			return true;
		}
		if (!make(f, name, value, leading, &one))
			return false;
		set(f, n, &one);
		return true;
	}
	return value.len == 0 || fields_add(f, name, value, leading);
}
