#include "authd/watched_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define LOOK_EVERY 900 /* ms */
#define SETTLED    300 /* ms: an editor that writes in place is done by then */

static void
complain(struct watched_file *w, const char *reason)
{
	if (w->complained)
		return;
	w->complained = true;
	log_error(w->unreadable, log_text("file", w->path), log_text("reason", reason), log_text("setting", w->setting),
	    log_text("hint", w->ready ? "going on with what was read before" : w->until));
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
take(struct watched_file *w, struct slice text)
{
	struct str problem = STR_MOST(512);
	int64_t entries = w->take(w->context, text, &problem);
	w->complained = false; /* the file has changed: another mistake than the one before */
	if (entries < 0) {
		complain(w, str_text(&problem));
	} else {
		w->ready = true;
		log_info(w->read, log_text("file", w->path), log_number("names", entries));
	}
	str_free(&problem);
}

static const char *
reason_of(int error)
{
	return error == EFBIG ? "it is longer than 4 MiB" : error == EINVAL ? "it is not a regular file" : strerror(error);
}

/* A secret that others may read is none. */
static bool
is_kept(const struct watched_file *w, const struct stat *st)
{
	return !w->secret || (st->st_uid == geteuid() && (st->st_mode & 077) == 0);
}

static void
read_file(struct watched_file *w, const struct stat *st)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, w->path, WATCHED_FILE_BYTES, &len);
	if (text == NULL) {
		complain(w, reason_of(errno));
		return;
	}
	/* Of before it was read: what was written meanwhile is seen at the next look. */
	w->seen = *st;
	take(w, slice_make(text, len));
	if (w->secret)
		explicit_bzero(text, len);
	free(text);
}

void
watched_file_refresh(struct watched_file *w)
{
	int64_t now = clock_ms();
	if (w->path[0] == '\0' || (w->looked != 0 && now - w->looked < LOOK_EVERY))
		return;
	w->looked = now;
	struct stat st;
	if (stat(w->path, &st) < 0) {
		complain(w, strerror(errno));
		return;
	}
	if (!is_kept(w, &st)) {
		complain(w, "it must belong to postern-authd and have mode 0600, for it holds a secret");
		return;
	}
	bool same = same_file(&st, &w->seen);
	if (same)
		w->complained = false;
	if (!same && (!w->ready || !is_fresh(&st)))
		read_file(w, &st);
}
