#include "lib/store/list_lock.h"

#include "lib/store/dotlock.h"
#include "lib/store/scan.h"
#include "lib/store/uidlist.h"

#define PATIENCE 2000 /* ms: longer than any scan; one who hangs must not hang others */

bool
list_lock(struct folder *f, int timeout)
{
	struct folder_scan *s = f->scan;
	if (s->list_locks == 0 && !dotlock_take(&s->list_lock, f->directory, UIDLIST_LOCK, timeout))
		return false;
	s->list_locks++;
	return true;
}

void
list_unlock(struct folder *f)
{
	if (--f->scan->list_locks == 0)
		dotlock_release(&f->scan->list_lock);
}

bool
list_lock_begin(struct folder *f)
{
	return list_lock(f, PATIENCE);
}

void
list_lock_end(struct folder *f, bool begun)
{
	if (begun)
		list_unlock(f);
}
