#include "lib/store/subscriptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/store/courier.h"
#include "lib/store/directory.h"
#include "lib/store/dotlock.h"

#define FILE_NAME    "subscriptions"
#define LOCK_NAME    "subscriptions.lock"
#define TEMPORARY    "subscriptions.tmp"
#define FILE_MOST    (16u << 20)
#define LOCK_TIMEOUT 10000 /* ms */
#define HEADER_2     "V\t2\n\n"

struct list {
	char  *text;
	size_t len;
	bool   version_2;
};

/* Who moves in has only Courier's list, until the first change writes ours. */
static bool
read_courier(const struct maildir *m, struct list *l)
{
	struct str text = STR_MOST(FILE_MOST);
	if (courier_subscriptions(m->root, &text)) {
		l->text = text.data;
		l->len = text.len;
		return true;
	}
	int saved = errno;
	str_free(&text);
	/* None, or something else of that name. */
	return saved == ENOENT || saved == ELOOP || saved == EINVAL || saved == EFBIG;
}

/* No file is an empty list in the newer form. */
static bool
read_list(const struct maildir *m, struct list *l)
{
	*l = (struct list){.version_2 = true};
	l->text = directory_read_file(m->root, FILE_NAME, FILE_MOST, &l->len);
	if (l->text == NULL)
		return errno == ENOENT && read_courier(m, l);
	l->version_2 = slice_starts(slice_make(l->text, l->len), HEADER_2);
	return true;
}

static struct slice
body_of(const struct list *l)
{
	struct slice all = slice_make(l->text, l->len);
	return l->version_2 && l->text != NULL ? slice_from(all, sizeof HEADER_2 - 1) : all;
}

/* A line as a folder's name: version 2 has tabs between levels. False for what is no name. */
static bool
line_name(const struct list *l, struct slice line, char name[FOLDER_NAME_MOST + 1])
{
	if (line.len == 0 || line.len > FOLDER_NAME_MOST)
		return false;
	memcpy(name, line.data, line.len);
	name[line.len] = '\0';
	for (size_t i = 0; i < line.len && l->version_2; i++)
		if (name[i] == '\t')
			name[i] = '.';
	struct slice n = slice_make(name, line.len);
	return folders_is_inbox(n) || folders_name_ok(n);
}

static bool
add(struct folder_names *names, const char *name)
{
	if (names->count == names->room) {
		size_t room = names->room == 0 ? 32 : names->room * 2;
		char **larger = realloc(names->names, room * sizeof *larger);
		if (larger == NULL)
			return false;
		names->names = larger;
		names->room = room;
	}
	names->names[names->count] = strdup(folders_is_inbox(slice_of(name)) ? "INBOX" : name);
	if (names->names[names->count] == NULL)
		return false;
	names->count++;
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_once(struct folder_names *names)
{
	size_t kept = 0;
	if (names->count > 1)
		qsort(names->names, names->count, sizeof *names->names, compare_names);
	for (size_t i = 0; i < names->count; i++) {
		if (kept > 0 && strcmp(names->names[kept - 1], names->names[i]) == 0)
			free(names->names[i]);
		else
			names->names[kept++] = names->names[i];
	}
	names->count = kept;
}

bool
subscriptions_list(const struct maildir *m, struct folder_names *names)
{
	struct list l;
	struct slice line;
	char name[FOLDER_NAME_MOST + 1];
	bool ok = true;
	*names = (struct folder_names){.count = 0};
	if (!read_list(m, &l))
		return false;
	struct slice rest = body_of(&l);
	while (ok && names->count < FOLDERS_MOST && slice_split(&rest, '\n', &line))
		if (line_name(&l, line, name))
			ok = add(names, name);
	free(l.text);
	if (ok)
		sort_once(names);
	else
		folders_free(names);
	return ok;
}

static void
append_name(struct str *text, const struct list *l, struct slice name)
{
	if (folders_is_inbox(name))
		name = slice_of("INBOX");
	for (size_t i = 0; i < name.len; i++)
		str_append_byte(text, l->version_2 && name.data[i] == '.' ? '\t' : name.data[i]);
	str_append_byte(text, '\n');
}

static bool
is_same(struct slice a, const char *b)
{
	return slice_is(a, b) || (folders_is_inbox(a) && folders_is_inbox(slice_of(b)));
}

/* The file with the name once or not at all; lines that we do not understand stay. */
static bool
rewrite(const struct maildir *m, const struct list *l, struct slice name, bool subscribed)
{
	struct str text = STR_MOST(FILE_MOST);
	struct slice rest = body_of(l), line;
	char other[FOLDER_NAME_MOST + 1];
	bool found = false;
	if (l->version_2)
		str_append_text(&text, HEADER_2);
	while (slice_split(&rest, '\n', &line)) {
		if (line_name(l, line, other) && is_same(name, other)) {
			found = true;
			continue;
		}
		str_append_slice(&text, line);
		str_append_byte(&text, '\n');
	}
	if (subscribed)
		append_name(&text, l, name);
	errno = ENOSPC;
	bool ok = found == subscribed
	    || (!text.failed && directory_replace(m->root, TEMPORARY, FILE_NAME, str_text(&text), text.len));
	str_free(&text);
	return ok;
}

bool
subscriptions_set(const struct maildir *m, struct slice name, bool subscribed)
{
	struct dotlock lock;
	struct list l;
	if (!folders_is_inbox(name) && !folders_name_ok(name)) {
		errno = EINVAL;
		return false;
	}
	if (!dotlock_take(&lock, m->root, LOCK_NAME, LOCK_TIMEOUT))
		return false;
	bool ok = read_list(m, &l) && rewrite(m, &l, name, subscribed);
	free(l.text);
	dotlock_release(&lock);
	return ok;
}
