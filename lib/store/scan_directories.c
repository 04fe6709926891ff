/*
 * Looking at a folder's directories. readdir(3) may miss what is renamed while
 * it runs. So who changes a name in cur/ holds dovecot-uidlist.lock, as Dovecot
 * does, and a shared flock(2) of cur/, and a message counts as gone only when a
 * scan under that lock and the exclusive flock did not find it and the directories' times stood still (another program may rename), or
 * when two refreshes in a row missed it. Where flock fails (some NFS), the
 * times are all there is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/store/directory.h"
#include "lib/store/scan.h"

#define ATTEMPTS 3
#define LOCK_PATIENCE 2000 /* ms: longer than any scan; one who hangs must not hang others */
#define LOCK_LOOK     2    /* ms */
/* A change within this time of an earlier one may leave the directory's time as it was: one second where a file system keeps no less. */
#define GRAIN_MS 1100

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
times(const struct folder *f, struct timespec *fresh, struct timespec *cur)
{
	struct stat st;
	if (fstat(f->fresh, &st) < 0)
		return false;
	*fresh = st.st_mtim;
	if (fstat(f->cur, &st) < 0)
		return false;
	*cur = st.st_mtim;
	return true;
}

static bool
is_old(struct timespec t, struct timespec now)
{
	int64_t ms = (int64_t)(now.tv_sec - t.tv_sec) * 1000 + (now.tv_nsec - t.tv_nsec) / 1000000;
	return ms > GRAIN_MS;
}

/* A known message seen again. */
static bool
update(struct folder *f, struct message *m, struct slice name, const struct name_parts *parts, bool in_cur)
{
	/* Two files of one base: the first one counts, and one in cur/ more than one in new/. */
	bool again = m->seen && !(m->in_new && in_cur);
	if (again || (!in_cur && !m->in_new))
		return true;
	if (m->vanished) {
		m->vanished = false;
		f->vanished--;
	}
	m->seen = true;
	m->in_new = !in_cur;
	if (m->flags != parts->flags || m->keywords != parts->keywords) {
		m->flags = parts->flags;
		m->keywords = parts->keywords;
		m->changed = true;
	}
	return slice_is(name, m->name) || scan_rename(f, m, name);
}

static bool
is_file(int directory, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG;
	return fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool
take_entry(struct folder *f, const struct dirent *entry, bool in_cur)
{
	struct name_parts parts;
	struct slice name = slice_of(entry->d_name);
	if (!name_parse(name, &parts) || !is_file(in_cur ? f->cur : f->fresh, entry))
		return true;
	size_t index = scan_find(f, parts.base);
	if (index != SIZE_MAX)
		return update(f, &f->messages[index], name, &parts, in_cur);
	if (f->scan->known_only)
		return true;
	struct message *m = scan_add(f, name, &parts);
	if (m == NULL)
		return false;
	m->seen = true;
	m->in_new = !in_cur;
	return true;
}

static bool
read_directory(struct folder *f, bool in_cur)
{
	DIR *d = directory_list(in_cur ? f->cur : f->fresh);
	struct dirent *entry;
	if (d == NULL)
		return false;
	bool ok = true;
	errno = 0;
	while (ok && (entry = readdir(d)) != NULL) {
		ok = take_entry(f, entry, in_cur);
		if (ok)
			errno = 0;
	}
	int saved = errno;
	closedir(d);
	errno = saved;
	return ok && saved == 0;
}

/* new/ first: what is moved to cur/ meanwhile is then found there. */
static bool
read_both(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++)
		f->messages[i].seen = false;
	return read_directory(f, false) && read_directory(f, true);
}

static size_t
count_missing(const struct folder *f)
{
	size_t missing = 0;
	for (size_t i = 0; i < f->count; i++)
		missing += !f->messages[i].seen && !f->messages[i].vanished;
	return missing;
}

static void
mark_missing(struct folder *f, bool stable)
{
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		if (!m->seen && !m->vanished && (stable || m->missed)) {
			m->vanished = true;
			f->vanished++;
		}
		m->missed = !m->seen;
	}
}

static bool
lock_names(const struct folder *f, int kind)
{
	int64_t deadline = clock_ms() + LOCK_PATIENCE;
	while (flock(f->cur, kind | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || clock_ms() >= deadline)
			return false;
		poll(NULL, 0, LOCK_LOOK);
	}
	return true;
}

static void
unlock_names(const struct folder *f)
{
	int saved = errno;
	flock(f->cur, LOCK_UN);
	errno = saved;
}

bool
scan_begin_rename(struct folder *f)
{
	/* Without the locks the rename is as good as another program's. */
	bool begun = folder_begin_changes(f);
	lock_names(f, LOCK_SH);
	return begun;
}

void
scan_end_rename(struct folder *f, bool begun)
{
	unlock_names(f);
	folder_end_changes(f, begun);
}

/* One look at both directories. `*still`: cur/ did not change meanwhile. */
static bool
look(struct folder *f, bool exclusive, bool *still)
{
	struct folder_scan *s = f->scan;
	struct timespec now, fresh, cur;
	bool begun = exclusive && folder_begin_changes(f);
	if (exclusive)
		lock_names(f, LOCK_EX);
	clock_gettime(CLOCK_REALTIME, &now);
	bool ok = times(f, &s->fresh_time, &s->cur_time) && read_both(f) && times(f, &fresh, &cur);
	if (exclusive)
		scan_end_rename(f, begun);
	if (!ok)
		return false;
	/* Deliveries only add to new/, and what leaves it for cur/ changes both. */
	*still = same_time(cur, s->cur_time);
	s->trusted = *still && same_time(fresh, s->fresh_time) && is_old(fresh, now) && is_old(cur, now);
	return true;
}

bool
scan_directories(struct folder *f, bool sure, bool *stable)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		bool exclusive = sure || i > 0, still;
		if (!look(f, exclusive, &still))
			return false;
		/* Times that are equal but young say little where a file system's clock is coarse: a second look makes up for it. */
		*stable = f->scan->trusted || (exclusive && still && i > 0);
		if (*stable || (!sure && count_missing(f) == 0))
			break;
	}
	mark_missing(f, *stable);
	return true;
}

/* Nothing can have changed since the last scan. */
static bool
unchanged(const struct folder *f)
{
	struct timespec fresh, cur;
	return f->scan->trusted && times(f, &fresh, &cur) && same_time(fresh, f->scan->fresh_time)
	    && same_time(cur, f->scan->cur_time);
}

/* From new/ to cur/. What another session moved first is its to call recent. */
static void
move_to_cur(struct folder *f, struct message *m)
{
	char name[NAME_MOST + 1];
	struct name_parts parts;
	if (!name_parse(slice_of(m->name), &parts)
	    || !name_build(name, parts.base, parts.info, parts.flags, parts.keywords))
		return;
	bool begun = scan_begin_rename(f);
	bool ok = renameat(f->fresh, m->name, f->cur, name) == 0;
	scan_end_rename(f, begun);
	if (!ok)
		return;
	m->in_new = false;
	m->recent = true;
	f->scan->trusted = false;
	/* Without memory for the name the next scan finds it. */
	scan_rename(f, m, slice_of(name));
}

static void
move_all_to_cur(struct folder *f)
{
	bool moving = false, begun = false;
	for (size_t i = 0; i < f->count; i++) {
		if (!f->messages[i].in_new || f->messages[i].vanished)
			continue;
		if (!moving)
			begun = folder_begin_changes(f);
		moving = true;
		move_to_cur(f, &f->messages[i]);
	}
	folder_end_changes(f, begun);
}

bool
folder_refresh(struct folder *f)
{
	if (f->scan == NULL) {
		f->scan = calloc(1, sizeof *f->scan);
		if (f->scan == NULL || !scan_index(f))
			return false;
	}
	if (f->uidvalidity != 0 && unchanged(f))
		return true;
	size_t known = f->count;
	bool stable;
	if (!keywords_load(f) || !scan_directories(f, false, &stable) || !assign_uids(f, known))
		return false;
	if (!f->read_only)
		move_all_to_cur(f);
	return true;
}
