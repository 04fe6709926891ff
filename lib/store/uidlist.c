#include "lib/store/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/file.h"
#include "lib/base/number.h"
#include "lib/base/random.h"
#include "lib/store/directory.h"

#define TEMPORARY "dovecot-uidlist.tmp"

/* V and N become numbers; what else there is stays as text (G and what a later Dovecot adds). */
static bool
parse_fields(struct uidlist *l, struct slice fields)
{
	struct slice field;
	l->others = slice_make(NULL, 0);
	while (slice_split(&fields, ' ', &field)) {
		uint64_t number;
		char key = field.len > 0 ? field.data[0] : '\0';
		if (key == 'M' && number_parse(slice_from(field, 1), INT64_MAX, &number)) {
			/* An older one may stand in the piece that is kept. */
			l->bound = number > l->bound ? number : l->bound;
			continue;
		}
		if (key != 'V' && key != 'N') {
			/* V and N come first in every writer's list; the others are kept in one piece. */
			if (l->others.data == NULL)
				l->others = field;
			else
				l->others.len = (size_t)(field.data + field.len - l->others.data);
			continue;
		}
		if (!number_parse(slice_from(field, 1), UINT32_MAX, &number) || number == 0)
			return false;
		*(key == 'V' ? &l->uidvalidity : &l->uidnext) = (uint32_t)number;
		l->others = slice_make(NULL, 0);
	}
	return true;
}

/* "3 V1 N2 G3", or version 1's "1 UIDVALIDITY UIDNEXT". */
static bool
parse_header(struct uidlist *l, struct slice line)
{
	if (line.len > UIDLIST_HEADER_MOST)
		return false;
	if (slice_starts(line, "3 ")) {
		if (!parse_fields(l, slice_from(line, 2)))
			return false;
	} else {
		struct cursor c = cursor_over(line);
		uint64_t validity, next;
		if (!cursor_take(&c, '1') || !cursor_take(&c, ' ') || !cursor_take_number(&c, UINT32_MAX, &validity)
		    || !cursor_take(&c, ' ') || !cursor_take_number(&c, UINT32_MAX, &next) || !cursor_at_end(&c))
			return false;
		l->uidvalidity = (uint32_t)validity;
		l->uidnext = (uint32_t)next;
	}
	return l->uidvalidity != 0 && l->uidnext != 0;
}

/* "4 W33 :base", or version 1's "4 base". */
static bool
parse_entry(struct slice line, struct uid_entry *e)
{
	struct cursor c = cursor_over(line);
	uint64_t uid;
	if (!cursor_take_number(&c, UINT32_MAX, &uid) || uid == 0 || !cursor_take(&c, ' '))
		return false;
	e->uid = (uint32_t)uid;
	struct slice rest = c.rest;
	size_t colon = slice_starts(rest, ":") ? 0 : slice_find(rest, ':');
	bool marked = colon == 0 || (colon < rest.len && rest.data[colon - 1] == ' ');
	e->extra = slice_first(rest, marked && colon > 0 ? colon - 1 : 0);
	e->base = marked ? slice_from(rest, colon + 1) : rest;
	/* Some writers left the flags on. */
	e->base = slice_first(e->base, slice_find(e->base, ':'));
	return e->base.len > 0 && !slice_has(e->base, '/') && !slice_has(e->base, '\0');
}

bool
uidlist_next(struct slice *rest, struct uid_entry *e)
{
	size_t end = slice_find(*rest, '\n');
	/* Without its LF it is not a line (yet). */
	if (end == rest->len)
		return false;
	struct slice line = slice_first(*rest, end);
	*rest = slice_from(*rest, end + 1);
	return parse_entry(line, e);
}

/* All entries are right and rising; uidnext is above them. */
static bool
check_body(struct uidlist *l, bool whole)
{
	struct slice rest = l->body;
	struct uid_entry e;
	uint32_t last = 0;
	while (rest.len > 0) {
		if (slice_find(rest, '\n') == rest.len)
			return !whole;
		if (!uidlist_next(&rest, &e) || e.uid <= last)
			return false;
		last = e.uid;
		if (last >= l->uidnext)
			l->uidnext = last < UINT32_MAX ? last + 1 : last;
	}
	return true;
}

bool
uidlist_parse(struct uidlist *l, struct slice text, bool whole)
{
	*l = (struct uidlist){.text = NULL};
	size_t end = slice_find(text, '\n');
	if (end == text.len || !parse_header(l, slice_first(text, end)))
		return false;
	l->body = slice_from(text, end + 1);
	return check_body(l, whole) && l->uidnext < UID_LAST;
}

enum uidlist_result
uidlist_read(struct uidlist *l, int directory, bool whole)
{
	size_t len;
	*l = (struct uidlist){.text = NULL};
	char *text = directory_read_file(directory, UIDLIST_NAME, UIDLIST_MOST, &len);
	if (text == NULL && errno == ENOENT)
		return UIDLIST_ABSENT;
	/* A link or a directory of that name is replaced, as noise is. */
	if (text == NULL)
		return errno == ELOOP || errno == EINVAL ? UIDLIST_BROKEN : UIDLIST_ERROR;
	bool ok = uidlist_parse(l, slice_make(text, len), whole);
	if (!ok) {
		free(text);
		*l = (struct uidlist){.text = NULL};
		return UIDLIST_BROKEN;
	}
	l->text = text;
	return UIDLIST_OK;
}

void
uidlist_free(struct uidlist *l)
{
	free(l->text);
	*l = (struct uidlist){.text = NULL};
}

static void
flush(struct uidlist_writer *w)
{
	if (!w->failed && !file_write_all(w->fd, w->buffer, w->used))
		w->failed = true;
	w->used = 0;
}

static void
put(struct uidlist_writer *w, struct slice part)
{
	while (part.len > 0 && !w->failed) {
		if (w->used == sizeof w->buffer)
			flush(w);
		size_t len = sizeof w->buffer - w->used < part.len ? sizeof w->buffer - w->used : part.len;
		memcpy(w->buffer + w->used, part.data, len);
		w->used += len;
		part = slice_from(part, len);
	}
}

bool
uidlist_write_begin(struct uidlist_writer *w, int directory, const struct uidlist *head)
{
	*w = (struct uidlist_writer){.directory = directory};
	if (unlinkat(directory, TEMPORARY, 0) < 0 && errno != ENOENT)
		return false;
	w->fd = openat(directory, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return false;
	char line[64], guid[40];
	snprintf(line, sizeof line, "3 V%u N%u ", (unsigned)head->uidvalidity, (unsigned)head->uidnext);
	put(w, slice_of(line));
	if (head->bound > 0) {
		snprintf(line, sizeof line, "M%llu ", (unsigned long long)head->bound);
		put(w, slice_of(line));
	}
	snprintf(guid, sizeof guid, "G%016llx%016llx", (unsigned long long)random_number(),
	    (unsigned long long)random_number());
	put(w, head->others.len > 0 ? head->others : slice_of(guid));
	put(w, slice_of("\n"));
	return true;
}

void
uidlist_write_entry(struct uidlist_writer *w, const struct uid_entry *e)
{
	char number[16];
	snprintf(number, sizeof number, "%u ", (unsigned)e->uid);
	put(w, slice_of(number));
	put(w, e->extra);
	put(w, slice_of(e->extra.len > 0 ? " :" : ":"));
	put(w, e->base);
	put(w, slice_of("\n"));
}

bool
uidlist_write_end(struct uidlist_writer *w)
{
	flush(w);
	bool ok = !w->failed && fsync(w->fd) == 0;
	int saved = errno;
	close(w->fd);
	errno = saved;
	if (ok && renameat(w->directory, TEMPORARY, w->directory, UIDLIST_NAME) == 0)
		return file_sync_directory(w->directory);
	saved = errno;
	unlinkat(w->directory, TEMPORARY, 0);
	errno = saved;
	return false;
}
