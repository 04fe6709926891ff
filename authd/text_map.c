#include "authd/text_map.h"

#include <stdlib.h>
#include <string.h>

#include "authd/logical_lines.h"
#include "lib/base/ascii.h"
#include "lib/mail/address.h"

struct reader {
	struct text_map_table *table;
	struct str            *problem;
	struct logical_lines   lines;
};

static bool
fail(struct reader *r, size_t number, const char *what)
{
	str_append_format(r->problem, "line %zu: %s", number, what);
	return false;
}

static bool
make_room(struct text_map_table *t)
{
	if (t->count < t->room)
		return true;
	size_t room = t->room > 0 ? 2 * t->room : 64;
	struct text_map_line *more = room <= 2 * TEXT_MAP_KEYS ? reallocarray(t->lines, room, sizeof *more) : NULL;
	if (more == NULL)
		return false;
	t->lines = more;
	t->room = room;
	return true;
}

static bool
put(struct reader *r, struct slice key, struct slice value)
{
	struct text_map_table *t = r->table;
	if (t->count == TEXT_MAP_KEYS || !make_room(t))
		return fail(r, r->lines.number, "too many keys, or no memory");
	struct text_map_line *l = &t->lines[t->count++];
	*l = (struct text_map_line){.number = r->lines.number, .key = t->text.len, .key_len = key.len};
	address_append_lower(&t->text, key);
	l->value = t->text.len;
	l->value_len = value.len;
	str_append_slice(&t->text, value);
	return !t->text.failed || fail(r, r->lines.number, "no memory");
}

static size_t
blank_in(struct slice line)
{
	size_t space = slice_find(line, ' '), tab = slice_find(line, '\t');
	return space < tab ? space : tab;
}

static bool
take_line(struct reader *r)
{
	struct slice line = slice_trim(str_slice(&r->lines.line));
	size_t end = blank_in(line);
	struct slice key = slice_first(line, end), value = slice_trim(slice_from(line, end));
	if (value.len == 0 || key.len > MAP_KEY_MOST || value.len > MAP_VALUE_MOST)
		return fail(r, r->lines.number, "a line must be: key value");
	if (ascii_has_control(key))
		return fail(r, r->lines.number, "there is a control character in the key");
	/* What goes on in the next line may hold tabs; packets and logs hold none. */
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == '\t')
			r->lines.line.data[value.data - r->lines.line.data + i] = ' ';
	if (ascii_has_control(value))
		return fail(r, r->lines.number, "there is a control character in the value");
	return put(r, key, value);
}

static struct slice
key_of(const struct text_map_table *t, size_t at)
{
	return slice_make(t->text.data + t->lines[at].key, t->lines[at].key_len);
}

static int
compare(struct slice a, struct slice b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
by_key_and_number(const void *x, const void *y, void *text)
{
	const struct text_map_line *a = x, *b = y;
	const char *base = text;
	int order = compare(slice_make(base + a->key, a->key_len), slice_make(base + b->key, b->key_len));
	return order != 0 ? order : a->number < b->number ? -1 : 1;
}

/* As postmap(1) has it. */
static void
keep_first(struct text_map_table *t)
{
	size_t kept = 0;
	for (size_t i = 0; i < t->count; i++)
		if (kept == 0 || !slice_equal(key_of(t, kept - 1), key_of(t, i)))
			t->lines[kept++] = t->lines[i];
	t->count = kept;
}

bool
text_map_parse(struct text_map_table *t, struct slice text, struct str *problem)
{
	*t = (struct text_map_table){.text = STR_MOST(2 * WATCHED_FILE_BYTES)};
	struct reader r = {.table = t, .problem = problem};
	bool ok = !slice_has(text, '\0') || fail(&r, 1, "the file holds a NUL byte");
	logical_lines_begin(&r.lines, text);
	while (ok && logical_lines_next(&r.lines))
		ok = take_line(&r);
	if (ok && r.lines.wrong != NULL)
		ok = fail(&r, r.lines.number, r.lines.wrong);
	logical_lines_end(&r.lines);
	if (ok && t->count > 0) {
		qsort_r(t->lines, t->count, sizeof *t->lines, by_key_and_number, t->text.data);
		keep_first(t);
	}
	return ok;
}

void
text_map_free(struct text_map_table *t)
{
	if (t->text.data != NULL)
		explicit_bzero(t->text.data, t->text.room);
	str_free(&t->text);
	free(t->lines);
	*t = (struct text_map_table){.count = 0};
}

/* --- the file ---------------------------------------------------------------------- */

static int64_t
take(void *context, struct slice text, struct str *problem)
{
	struct text_map *m = context;
	struct text_map_table fresh;
	if (!text_map_parse(&fresh, text, problem)) {
		text_map_free(&fresh);
		return -1;
	}
	text_map_free(&m->table);
	m->table = fresh;
	return (int64_t)fresh.count;
}

void
text_map_begin(struct text_map *m, const char *setting, const char *path, bool secret)
{
	m->file = (struct watched_file){.path = path, .setting = setting, .read = "map-read", .unreadable = "map-unreadable",
	    .until = "until it can be read, what needs it is answered with later", .secret = secret, .take = take, .context = m};
}

void
text_map_refresh(struct text_map *m)
{
	watched_file_refresh(&m->file);
}

enum fact_state
text_map_find(const struct text_map *m, struct slice key, struct slice *value)
{
	*value = slice_of("");
	if (m->file.path == NULL || m->file.path[0] == '\0')
		return FACT_NONE;
	if (!m->file.ready)
		return FACT_LATER;
	size_t low = 0, high = m->table.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(key_of(&m->table, middle), key);
		if (order == 0) {
			*value = slice_make(m->table.text.data + m->table.lines[middle].value, m->table.lines[middle].value_len);
			return FACT_FOUND;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return FACT_NONE;
}
