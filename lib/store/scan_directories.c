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
#include "lib/store/index.h"
#include "lib/store/list_lock.h"
#include "lib/store/scan.h"

#define ATTEMPTS 3
#define LOCK_PATIENCE 2000 /* ms: longer than any scan; one who hangs must not hang others */
#define LOCK_LOOK     2    /* ms */

bool
scan_stamps(const struct folder *f, struct index_stamp *fresh, struct index_stamp *cur)
{
	struct stat st;
	if (fstat(f->fresh, &st) < 0)
		return false;
	*fresh = index_stamp_of(&st);
	if (fstat(f->cur, &st) < 0)
		return false;
	*cur = index_stamp_of(&st);
	return true;
}

static bool
is_old(const struct index_stamp *t, int64_t now_us)
{
	return now_us - (t->seconds * 1000000 + t->nanoseconds / 1000) > SCAN_GRAIN_MS * 1000;
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
		m->unnoted = true;
		f->vanished--;
	}
	m->seen = true;
	m->unnoted = m->unnoted || m->in_new != !in_cur || !slice_is(name, m->name);
	m->in_new = !in_cur;
	if (m->flags != parts->flags || m->keywords != parts->keywords) {
		m->flags = parts->flags;
		m->keywords = parts->keywords;
		m->changed = true;
		m->modseq = 0;
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

/* Another file in the old one's place: what is known of that is not true of this. */
static bool
same_file(struct message *m, const struct dirent *entry)
{
	if (m->inode != 0 && m->inode != entry->d_ino) {
		m->facts = 0;
		m->date = 0;
		m->wire_size = SIZE_UNKNOWN;
		m->unnoted = m->replaced = true;
	}
	m->inode = entry->d_ino;
	return true;
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
		return update(f, &f->messages[index], name, &parts, in_cur) && same_file(&f->messages[index], entry);
	if (f->scan->known_only)
		return true;
	struct message *m = scan_add(f, name, &parts);
	if (m == NULL)
		return false;
	m->inode = entry->d_ino;
	m->seen = m->unnoted = true;
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
			m->vanished = m->unnoted = true;
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
unlock_names(struct folder *f)
{
	int saved = errno;
	flock(f->cur, LOCK_UN);
	f->scan->names_locked = false;
	errno = saved;
}

bool
scan_begin_rename(struct folder *f)
{
	/* Without the locks the rename is as good as another program's. */
	bool begun = list_lock_begin(f);
	f->scan->names_locked = f->scan->names_locked || lock_names(f, LOCK_SH);
	return begun;
}

/* A change of thousands takes it once: who would have it alone waits for the list's lock first, which the change holds. */
void
scan_end_rename(struct folder *f, bool begun)
{
	if (f->index == NULL || f->index->depth == 0)
		unlock_names(f);
	list_lock_end(f, begun);
}

void
scan_end_renames(struct folder *f)
{
	if (f->scan != NULL && f->scan->names_locked)
		unlock_names(f);
}

/* One look at both directories. `*still`: cur/ did not change meanwhile. */
static bool
look(struct folder *f, bool exclusive, bool *still)
{
	struct folder_scan *s = f->scan;
	struct index_stamp fresh, cur;
	bool begun = exclusive && list_lock_begin(f);
	if (exclusive)
		lock_names(f, LOCK_EX);
	int64_t now = clock_unix_us();
	bool ok = scan_stamps(f, &s->fresh_stamp, &s->cur_stamp) && read_both(f) && scan_stamps(f, &fresh, &cur);
	if (exclusive) {
		unlock_names(f);
		list_lock_end(f, begun);
	}
	if (!ok)
		return false;
	/* Deliveries only add to new/, and what leaves it for cur/ changes both. */
	*still = index_stamp_same(&cur, &s->cur_stamp);
	bool fresh_sure = index_stamp_same(&fresh, &s->fresh_stamp) && is_old(&fresh, now);
	bool cur_sure = *still && is_old(&cur, now);
	s->sure = (fresh_sure ? INDEX_SURE_FRESH : 0) | (cur_sure ? INDEX_SURE_CUR : 0);
	s->trusted = fresh_sure && cur_sure;
	return true;
}

bool
scan_directories(struct folder *f, bool sure, bool *stable)
{
	if (!scan_hash(f))
		return false;
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

bool
scan_fresh(struct folder *f, bool *enough)
{
	struct folder_scan *s = f->scan;
	struct index_stamp fresh, cur;
	int64_t now = clock_unix_us();
	for (size_t i = 0; i < f->count; i++)
		f->messages[i].seen = f->messages[i].seen && !f->messages[i].in_new;
	if (!scan_hash(f) || !scan_stamps(f, &s->fresh_stamp, &s->cur_stamp) || !read_directory(f, false)
	    || !scan_stamps(f, &fresh, &cur))
		return false;
	*enough = index_stamp_same(&cur, &s->cur_stamp);
	for (size_t i = 0; i < f->count; i++)
		*enough = *enough && (f->messages[i].seen || !f->messages[i].in_new || f->messages[i].vanished);
	bool sure = index_stamp_same(&fresh, &s->fresh_stamp) && is_old(&fresh, now);
	s->sure = (f->index->file.state.sure & INDEX_SURE_CUR) | (sure ? INDEX_SURE_FRESH : 0);
	return true;
}
