/*
 * Giving UIDs. Messages that the scan found and that have none yet:
 *
 *     1. what the list has that the view has not is read; when it names them all
 *        (another session or Dovecot was first), that is that
 *     2. else under the lock: the same again, the rest get new numbers in the
 *        order of their arrival, which are appended to the list, durable; only
 *        then are they shown
 *
 * What the list has is known by its stamp, or up to a byte: then only what was
 * appended since is read. Lines without a file are no trouble. They leave it
 * when it is written anew, and then only when a scan that was made under the
 * lock stood still: a message that readdir missed keeps its UID.
 */
#include <errno.h>

#include "lib/store/assign.h"
#include "lib/store/list_lock.h"

#define LOCK_TIMEOUT 30000 /* ms */

/*
 * The entry's UID goes to its message; the last one counts. One that would
 * appear among messages already shown is not used: it gets a new one.
 */
static void
match_entry(struct folder *f, const struct uid_entry *e, struct matching *found)
{
	size_t index = scan_find(f, e->base);
	bool newer = e->uid > f->scan->highest;
	if (index == SIZE_MAX) {
		found->all++;
		found->unseen += newer;
		return;
	}
	struct message *m = &f->messages[index];
	found->conflicts += m->uid != e->uid && !(newer && m->uid == 0);
	if (newer)
		m->uid = e->uid;
}

struct matching
assign_match(struct folder *f, const struct uidlist *l)
{
	struct slice rest = l->body;
	struct uid_entry e;
	struct matching found = {.all = 0};
	while (uidlist_next(&rest, &e))
		match_entry(f, &e, &found);
	return found;
}

static size_t
count_unnumbered(const struct folder *f, size_t known)
{
	size_t count = 0;
	for (size_t i = known; i < f->count; i++)
		count += f->messages[i].uid == 0;
	return count;
}

/* The hash is made anew by who asks it next, if anybody does. */
static bool
sort_from(struct folder *f, size_t known)
{
	return order_from(f, known) && scan_hash_room(f);
}

/* What came and went between two looks was never shown: it gets no number. */
static bool
drop_unborn(struct folder *f, size_t known)
{
	size_t kept = known;
	for (size_t i = known; i < f->count; i++) {
		if (f->messages[i].vanished)
			f->vanished--;
		else
			f->messages[kept++] = f->messages[i];
	}
	if (kept == f->count)
		return true;
	f->count = kept;
	scan_unhash(f);
	return scan_hash_room(f);
}

/* New numbers behind all others. */
bool
assign_number(struct folder *f, size_t known, struct uidlist *l)
{
	if (!drop_unborn(f, known) || !sort_from(f, known))
		return false;
	for (size_t i = known; i < f->count; i++)
		if (f->messages[i].uid == 0)
			f->messages[i].uid = l->uidnext++;
	return true;
}

/* What was read without the lock is shown when it is durable. */
static bool
accept_found(struct folder *f, const struct uidlist *l, const struct index_stamp *stamp, bool settled)
{
	if (!assign_accept(f, l) || !uidlist_sync(f->directory))
		return false;
	assign_know(f, stamp, settled ? l->end : 0, l->uidnext);
	f->scan->found_bound = l->bound;
	return true;
}

/*
 * Without the lock: enough when the list has all that the view lacks. A newer
 * message that the list has and the scan has not may have been renamed under
 * its eyes: if it came to light later, it would have to stand among messages
 * that were shown already. So the scan is made again first, surely.
 */
static bool
assign_from_list(struct folder *f, size_t known, bool *enough)
{
	struct uidlist l;
	struct index_stamp stamp = assign_list_stamp(f);
	*enough = false;
	if (assign_is_known(f, &stamp))
		return true;
	enum uidlist_result found = assign_read_news(f, &l);
	if (found == UIDLIST_ERROR)
		return false;
	/* The folder is gone, or begins anew: whatever it is, it is not what this view shows. */
	if (found == UIDLIST_ABSENT && f->uidvalidity != 0) {
		errno = ESTALE;
		return false;
	}
	if (found != UIDLIST_OK)
		return true;
	bool stable, ok = true, settled = assign_match(f, &l).unseen == 0;
	if (!settled) {
		ok = scan_directories(f, true, &stable) && drop_unborn(f, known);
		settled = assign_match(f, &l).unseen == 0;
	}
	*enough = ok && count_unnumbered(f, known) == 0;
	/* What is not enough is not believed either: under the lock it may turn out to be broken. */
	for (size_t i = known; i < f->count && !*enough; i++)
		f->messages[i].uid = 0;
	ok = ok && (!*enough || accept_found(f, &l, &stamp, settled));
	uidlist_free(&l);
	return ok;
}

static bool
assign(struct folder *f, size_t known)
{
	bool enough = false;
	/* Mostly the lock is held already, around all that a refresh does. */
	if (f->scan->list_locks == 0 && !assign_from_list(f, known, &enough))
		return false;
	if (enough)
		return true;
	if (!list_lock(f, LOCK_TIMEOUT))
		return false;
	bool ok = assign_locked(f, known);
	list_unlock(f);
	return ok;
}

/* Messages that could not be numbered are forgotten: the next scan finds them again. */
static void
forget_from(struct folder *f, size_t known)
{
	for (size_t i = known; i < f->count; i++)
		f->vanished -= f->messages[i].vanished;
	f->count = known;
	f->scan->trusted = false;
	scan_unhash(f);
}

bool
assign_uids(struct folder *f, size_t known)
{
	struct index_stamp list = assign_list_stamp(f);
	/* A list with a torn end is not known: it is written anew. */
	if (f->count == known && assign_is_known(f, &list))
		return true;
	if (!assign(f, known) || !sort_from(f, known)) {
		forget_from(f, known);
		return false;
	}
	if (f->count > known)
		f->scan->highest = f->messages[f->count - 1].uid;
	return true;
}
