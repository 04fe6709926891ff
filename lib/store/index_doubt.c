/* Whether the index is still true: what stat(2) says, and what the UID list says. */
#include <fcntl.h>

#include "lib/base/clock.h"
#include "lib/store/index.h"
#include "lib/store/scan.h"
#include "lib/store/uidlist.h"

#define LOOK_SHARE 50 /* a look that only makes sure may take one part in so many of the time */

/* Of a folder that was only found the part is not open. */
static bool
stat_part(const struct folder *f, int part, const char *name, struct stat *st)
{
	return (part >= 0 ? fstat(part, st) : fstatat(f->directory, name, st, AT_SYMLINK_NOFOLLOW)) == 0;
}

/* Whether a directory must be looked at: it changed, or it could have without a trace and has had its second of peace. */
static bool
is_doubtful(const struct folder *f, int part, const char *name, const struct index_stamp *known, bool sure)
{
	const struct folder_index *x = f->index;
	struct stat st;
	if (!stat_part(f, part, name, &st))
		return true;
	struct index_stamp now = index_stamp_of(&st);
	if (!index_stamp_same(&now, known))
		return true;
	bool young = now.seconds * 1000000 + now.nanoseconds / 1000 > clock_unix_us() - SCAN_GRAIN_MS * 1000;
	return !sure && !young && clock_ms() - x->looked >= x->look_time * LOOK_SHARE;
}

unsigned
index_doubts(const struct folder *f)
{
	const struct folder_index *x = f->index;
	const struct index_state *s = &x->file.state;
	struct stat st;
	if (!x->usable || x->recheck || x->broken)
		return INDEX_DOUBTS;
	unsigned doubts = 0;
	if (is_doubtful(f, f->fresh, "new", &s->fresh, s->sure & INDEX_SURE_FRESH))
		doubts |= INDEX_DOUBT_FRESH;
	if (is_doubtful(f, f->cur, "cur", &s->cur, s->sure & INDEX_SURE_CUR))
		doubts |= INDEX_DOUBT_CUR;
	if (fstatat(f->directory, UIDLIST_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return doubts | INDEX_DOUBT_LIST;
	struct index_stamp list = index_stamp_of(&st);
	return index_stamp_same(&list, &s->list) ? doubts : doubts | INDEX_DOUBT_LIST;
}

void
index_disbelieve(struct folder *f)
{
	f->index->usable = false;
	f->index->id = 0;
}

/* Each entry has the UID that the view gives it, or is an older one of that message; and each of the view's messages has one. */
bool
index_verify(const struct folder *f, const struct uidlist *l, bool *news)
{
	struct slice list = l->body;
	struct uid_entry e;
	size_t found = 0;
	while (uidlist_next(&list, &e)) {
		size_t at = scan_find(f, e.base);
		*news = *news || (at == SIZE_MAX && e.uid > f->scan->highest);
		if (at == SIZE_MAX)
			continue;
		if (f->messages[at].uid < e.uid)
			return false;
		found += f->messages[at].uid == e.uid;
	}
	return l->part || found == f->count;
}
