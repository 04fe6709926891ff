#include "lib/store/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/file.h"
#include "lib/base/number.h"
#include "lib/store/directory.h"
#include "lib/store/guid.h"

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

/* Of a torn line the number, where it is whole: it may have been somebody's for a moment. */
static uint32_t
torn_number(struct slice rest)
{
	struct cursor c = cursor_over(rest);
	uint64_t uid;
	return cursor_take_number(&c, UINT32_MAX, &uid) && cursor_take(&c, ' ') ? (uint32_t)uid : 0;
}

static void
raise_next(struct uidlist *l, uint32_t uid)
{
	if (uid >= l->uidnext)
		l->uidnext = uid < UINT32_MAX ? uid + 1 : uid;
}

/* All entries are right and rising; uidnext is above them. */
static bool
check_body(struct uidlist *l)
{
	struct slice rest = l->body;
	struct uid_entry e;
	uint32_t last = 0;
	while (rest.len > 0) {
		if (slice_find(rest, '\n') == rest.len)
			break;
		if (!uidlist_next(&rest, &e) || e.uid <= last)
			return false;
		last = e.uid;
		raise_next(l, last);
	}
	l->torn = rest.len > 0;
	if (l->torn && torn_number(rest) < UID_LAST)
		raise_next(l, torn_number(rest));
	l->body.len -= rest.len;
	return true;
}

bool
uidlist_parse(struct uidlist *l, struct slice text)
{
	*l = (struct uidlist){.text = NULL};
	size_t end = slice_find(text, '\n');
	if (end == text.len || !parse_header(l, slice_first(text, end)))
		return false;
	l->old = !slice_starts(text, "3 ") || guid_of_fields(l->others).len == 0;
	l->body = slice_from(text, end + 1);
	if (!check_body(l) || l->uidnext >= UID_LAST)
		return false;
	l->end = end + 1 + l->body.len;
	return true;
}

static enum uidlist_result
parse_file(struct uidlist *l, char *text, size_t len)
{
	if (!uidlist_parse(l, slice_make(text, len))) {
		free(text);
		*l = (struct uidlist){.text = NULL};
		return UIDLIST_BROKEN;
	}
	l->text = text;
	return UIDLIST_OK;
}

enum uidlist_result
uidlist_read(struct uidlist *l, int directory)
{
	size_t len;
	*l = (struct uidlist){.text = NULL};
	char *text = directory_read_file(directory, UIDLIST_NAME, UIDLIST_MOST, &len);
	if (text == NULL && errno == ENOENT)
		return UIDLIST_ABSENT;
	/* A link or a directory of that name is replaced, as noise is. */
	if (text == NULL)
		return errno == ELOOP || errno == EINVAL ? UIDLIST_BROKEN : UIDLIST_ERROR;
	return parse_file(l, text, len);
}

/* --- the tail ------------------------------------------------------------------------ */

/* The header's bytes with its LF; 0: there is none that could be one. */
static size_t
header_length(int fd, char *header)
{
	ssize_t n = pread(fd, header, UIDLIST_HEADER_MOST + 1, 0);
	struct slice text = slice_make(header, n > 0 ? (size_t)n : 0);
	size_t end = slice_find(text, '\n');
	return end == text.len ? 0 : end + 1;
}

/* Whether a line ends at `from`, of an entry below `next` or the header of that length. */
static bool
is_behind(int fd, size_t head, uint64_t from, uint32_t next)
{
	char bytes[UIDLIST_HEADER_MOST];
	struct uid_entry e;
	if (from <= head)
		return from == head;
	size_t len = from - head < sizeof bytes - 1 ? (size_t)(from - head) + 1 : sizeof bytes;
	if (!file_read_at(fd, bytes, len, (off_t)(from - len)) || bytes[len - 1] != '\n')
		return false;
	size_t before = slice_find_last(slice_make(bytes, len - 1), '\n');
	if (before == len - 1)
		return false;
	struct slice line = slice_make(bytes + before + 1, len - before - 1);
	return uidlist_next(&line, &e) && e.uid < next;
}

/* Header and tail, one behind the other; NULL when they are not what was asked for. */
static char *
read_tail(int fd, uint64_t from, uint32_t next, size_t *len)
{
	char header[UIDLIST_HEADER_MOST + 1];
	struct stat st;
	size_t head = header_length(fd, header);
	if (head == 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size < from || (uint64_t)st.st_size - from > UIDLIST_MOST
	    || !is_behind(fd, head, from, next))
		return NULL;
	size_t tail = (size_t)((uint64_t)st.st_size - from);
	char *text = malloc(head + tail + 1);
	if (text == NULL)
		return NULL;
	memcpy(text, header, head);
	*len = head + tail;
	if (file_read_at(fd, text + head, tail, (off_t)from))
		return text;
	free(text);
	return NULL;
}

enum uidlist_result
uidlist_read_behind(struct uidlist *l, int directory, uint64_t from, uint32_t next)
{
	size_t len = 0;
	struct uid_entry first;
	*l = (struct uidlist){.text = NULL};
	int fd = directory_open_file(directory, UIDLIST_NAME);
	char *text = fd < 0 ? NULL : read_tail(fd, from, next, &len);
	directory_close(fd);
	if (text == NULL || parse_file(l, text, len) != UIDLIST_OK)
		return UIDLIST_BROKEN;
	struct slice rest = l->body;
	if (uidlist_next(&rest, &first) && first.uid < next) {
		uidlist_free(l);
		return UIDLIST_BROKEN;
	}
	l->part = true;
	l->end = from + l->body.len;
	return UIDLIST_OK;
}

bool
uidlist_sync(int directory)
{
	int fd = directory_open_file(directory, UIDLIST_NAME);
	bool ok = fd >= 0 && fdatasync(fd) == 0;
	directory_close(fd);
	return ok;
}

void
uidlist_free(struct uidlist *l)
{
	free(l->text);
	*l = (struct uidlist){.text = NULL};
}
