#include "authd/local_aliases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define LOOK_EVERY 900 /* ms */
#define SETTLED    300 /* ms: an editor that writes in place is done by then */

static void
complain(struct local_aliases *a, const char *reason)
{
	if (a->complained)
		return;
	a->complained = true;
	log_error("local-aliases-unreadable", log_text("file", a->path), log_text("reason", reason),
	    log_text("hint", a->ready ? "going on with what was read before"
	                              : "the setting local_aliases names it; until it can be read this host's names are answered with later"));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool
is_fresh(const struct stat *st)
{
	int64_t age = clock_unix_us() / 1000 - ((int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000);
	return age >= 0 && age < SETTLED;
}

static void
take(struct local_aliases *a, struct slice text)
{
	struct local_aliases_table fresh = {.count = 0};
	struct str problem = STR_MOST(512);
	if (local_aliases_parse(&fresh, a->path, text, &problem)) {
		local_aliases_free(&a->table);
		a->table = fresh;
		a->ready = true;
		a->complained = false;
		log_info("local-aliases-read", log_text("file", a->path), log_number("names", (int64_t)fresh.count));
	} else {
		local_aliases_free(&fresh);
		a->complained = false; /* the file has changed: another mistake than the one before */
		complain(a, str_text(&problem));
	}
	str_free(&problem);
}

static const char *
reason_of(int error)
{
	return error == EFBIG ? "it is longer than 4 MiB" : error == EINVAL ? "it is not a regular file" : strerror(error);
}

void
local_aliases_refresh(struct local_aliases *a)
{
	int64_t now = clock_ms();
	if (a->path[0] == '\0' || (a->looked != 0 && now - a->looked < LOOK_EVERY))
		return;
	a->looked = now;
	struct stat st;
	if (stat(a->path, &st) < 0) {
		complain(a, strerror(errno));
		return;
	}
	bool same = same_file(&st, &a->seen);
	if (same)
		a->complained = false;
	if (same || (a->ready && is_fresh(&st)))
		return;
	size_t len;
	char *text = file_read_whole(AT_FDCWD, a->path, LOCAL_ALIASES_BYTES, &len);
	if (text == NULL) {
		complain(a, reason_of(errno));
		return;
	}
	/* Of before it was read: what was written meanwhile is seen at the next look. */
	a->seen = st;
	take(a, slice_make(text, len));
	free(text);
}

static int
compare(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = 0;
	for (size_t i = 0; i < len && order == 0; i++)
		order = (unsigned char)a.data[i] - ascii_lower((unsigned char)b.data[i]);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

enum fact_state
local_aliases_find(const struct local_aliases *a, struct slice name, struct slice *targets)
{
	*targets = slice_of("");
	if (a->path[0] == '\0')
		return FACT_NONE;
	if (!a->ready)
		return FACT_LATER;
	const struct local_aliases_table *t = &a->table;
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct local_alias *one = &t->aliases[middle];
		int order = compare(slice_make(t->text.data + one->name, one->name_len), name);
		if (order == 0) {
			*targets = slice_make(t->text.data + one->targets, one->targets_len);
			return one->targets_len > 0 ? FACT_FOUND : FACT_LATER;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return FACT_NONE;
}
