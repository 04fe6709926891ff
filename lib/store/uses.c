#include "lib/store/uses.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/str.h"
#include "lib/store/directory.h"
#include "lib/store/dotlock.h"

#define FILE_NAME    "postern-special-use"
#define LOCK_NAME    "postern-special-use.lock"
#define TEMPORARY    "postern-special-use.tmp"
#define FILE_MOST    4096 /* LIST looks through it for each folder */
#define LOCK_TIMEOUT 10000 /* ms */

bool
uses_read(const struct maildir *m, struct uses *u)
{
	*u = (struct uses){.len = 0};
	u->text = directory_read_file(m->root, FILE_NAME, FILE_MOST, &u->len);
	if (u->text != NULL)
		return true;
	u->len = 0;
	return errno == ENOENT || errno == ELOOP || errno == EINVAL || errno == EFBIG;
}

void
uses_free(struct uses *u)
{
	free(u->text);
	*u = (struct uses){.text = NULL};
}

bool
uses_next(struct slice *rest, struct slice *use, struct slice *name)
{
	struct slice line;
	while (slice_split(rest, '\n', &line)) {
		size_t space = slice_find(line, ' ');
		*use = slice_first(line, space);
		*name = slice_from(line, space + 1);
		if (slice_starts(*use, "\\") && name->len > 0)
			return true;
	}
	return false;
}

static void
append(struct str *text, struct slice use, struct slice name, struct slice more)
{
	str_append_slice(text, use);
	str_append_byte(text, ' ');
	str_append_slice(text, name);
	str_append_slice(text, more);
	str_append_byte(text, '\n');
}

/* What a change makes of the list; false: nothing. */
struct change {
	struct slice       from, to;
	const char *const *uses;
	size_t             count;
	bool (*make)(const struct change *c, struct slice old, struct str *text);
};

static bool
make_set(const struct change *c, struct slice old, struct str *text)
{
	struct slice use, name;
	bool had = false;
	while (uses_next(&old, &use, &name)) {
		if (slice_equal(name, c->from))
			had = true;
		else
			append(text, use, name, slice_of(""));
	}
	for (size_t i = 0; i < c->count; i++)
		append(text, slice_of(c->uses[i]), c->from, slice_of(""));
	return had || c->count > 0;
}

static bool
is_or_beneath(struct slice name, struct slice parent)
{
	bool beneath = name.len > parent.len && name.data[parent.len] == '.';
	return (beneath || name.len == parent.len) && slice_equal(slice_first(name, parent.len), parent);
}

static bool
make_renamed(const struct change *c, struct slice old, struct str *text)
{
	struct slice use, name;
	bool found = false;
	while (uses_next(&old, &use, &name)) {
		if (!is_or_beneath(name, c->from)) {
			append(text, use, name, slice_of(""));
			continue;
		}
		found = true;
		append(text, use, c->to, slice_from(name, c->from.len));
	}
	return found;
}

static bool
change(const struct maildir *m, const struct change *c)
{
	struct dotlock lock;
	struct uses old;
	struct str text = STR_MOST(FILE_MOST);
	if (!dotlock_take(&lock, m->root, LOCK_NAME, LOCK_TIMEOUT))
		return false;
	bool ok = uses_read(m, &old);
	if (ok && c->make(c, slice_make(old.text, old.len), &text)) {
		errno = EFBIG;
		ok = !text.failed && directory_replace(m->root, TEMPORARY, FILE_NAME, str_text(&text), text.len);
	}
	uses_free(&old);
	str_free(&text);
	dotlock_release(&lock);
	return ok;
}

/* Mostly there is no file: then nothing is locked for nothing. */
static bool
is_empty(const struct maildir *m)
{
	struct uses u;
	bool empty = uses_read(m, &u) && u.len == 0;
	uses_free(&u);
	return empty;
}

bool
uses_set(const struct maildir *m, struct slice name, const char *const *uses, size_t count)
{
	if (count == 0 && is_empty(m))
		return true;
	return change(m, &(struct change){.from = name, .uses = uses, .count = count, .make = make_set});
}

bool
uses_rename(const struct maildir *m, struct slice from, struct slice to)
{
	return is_empty(m) || change(m, &(struct change){.from = from, .to = to, .make = make_renamed});
}
