/* The UID list as the index needs it: whether it is what a view says, and the bound of mod-sequences in its header. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/store/index.h"
#include "lib/store/list_lock.h"
#include "lib/store/scan.h"
#include "lib/store/uidlist.h"

#define LOCK_TIMEOUT 30000 /* ms */

bool
assign_accept(struct folder *f, const struct uidlist *l)
{
	if (f->uidvalidity != 0 && f->uidvalidity != l->uidvalidity) {
		errno = ESTALE;
		return false;
	}
	f->uidvalidity = l->uidvalidity;
	if (f->uidnext < l->uidnext)
		f->uidnext = l->uidnext;
	f->scan->bound = l->bound;
	f->scan->list_read = true;
	return true;
}

struct index_stamp
assign_list_stamp(const struct folder *f)
{
	struct stat st;
	if (fstatat(f->directory, UIDLIST_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return (struct index_stamp){.inode = 0};
	return index_stamp_of(&st);
}

void
assign_know(struct folder *f, const struct index_stamp *stamp, uint64_t end, uint32_t next)
{
	f->scan->list_stamp = *stamp;
	f->scan->list_end = end;
	f->scan->list_next = next;
}

/* Only appended to since the index was written: what stood in it then is what the index says. */
static bool
read_appended(struct folder *f, struct uidlist *l, const struct index_stamp *stamp)
{
	const struct index_state *s = &f->index->file.state;
	return stamp->inode == s->list.inode
	    && uidlist_read_behind(l, f->directory, s->list.size, s->uidnext) == UIDLIST_OK;
}

bool
assign_verify(struct folder *f)
{
	const struct index_state *s = &f->index->file.state;
	struct uidlist l;
	struct index_stamp stamp = assign_list_stamp(f);
	if (!read_appended(f, &l, &stamp) && uidlist_read(&l, f->directory) != UIDLIST_OK)
		return false;
	bool news = false;
	bool ok = l.uidvalidity == f->uidvalidity && scan_hash(f) && index_verify(f, &l, &news) && assign_accept(f, &l)
	    && uidlist_sync(f->directory);
	if (ok) {
		/* What the list has and the view has not is still to be read, when the directories have been. */
		if (news && l.part)
			assign_know(f, &s->list, s->list.size, s->uidnext);
		else
			assign_know(f, &stamp, news ? 0 : l.end, l.uidnext);
		f->scan->found_bound = l.bound;
	}
	uidlist_free(&l);
	return ok;
}

/* Anew, as it is, but for its header: with a higher bound, or (`bound` 0) with a GUID, which an old one has not. */
static bool
write_header(struct folder *f, struct uidlist *l, uint64_t bound)
{
	struct uidlist_writer w;
	struct slice rest = l->body;
	struct uid_entry e;
	errno = ESTALE;
	if (l->uidvalidity != f->uidvalidity)
		return false;
	if (bound > 0 ? l->bound >= bound : !l->old)
		return true;
	l->bound = l->bound < bound ? bound : l->bound;
	if (!uidlist_write_begin(&w, f->directory, l))
		return false;
	while (uidlist_next(&rest, &e))
		uidlist_write_entry(&w, &e);
	return uidlist_write_end(&w);
}

static bool
renew_header(struct folder *f, uint64_t bound)
{
	struct uidlist l;
	if (!list_lock(f, LOCK_TIMEOUT))
		return false;
	struct index_stamp before = assign_list_stamp(f);
	bool ok = uidlist_read(&l, f->directory) == UIDLIST_OK && write_header(f, &l, bound);
	if (ok) {
		f->scan->bound = l.bound;
		f->scan->list_read = true;
	}
	/* What others wrote into it meanwhile is still to be read. */
	if (ok && index_stamp_same(&before, &f->scan->list_stamp)) {
		struct index_stamp now = assign_list_stamp(f);
		assign_know(f, &now, now.size, l.uidnext);
	}
	uidlist_free(&l);
	list_unlock(f);
	return ok;
}

bool
assign_bound(struct folder *f, uint64_t bound)
{
	return renew_header(f, bound);
}

bool
assign_guid(struct folder *f)
{
	return renew_header(f, 0);
}
