/*
 * Giving UIDs. Messages that the scan found and that have none yet:
 *
 *     1. the list is read; when it names them all (another session or Dovecot
 *        was first), that is that
 *     2. else under the lock: it is read again, the rest get new numbers in the
 *        order of their arrival, the list is replaced, durable; only then are
 *        they shown
 *
 * An entry without a file leaves the list only when a scan that was made under
 * the lock stood still: a message that readdir missed keeps its UID.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/store/courier.h"
#include "lib/store/list_lock.h"
#include "lib/store/scan.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidvalidity.h"

#define LOCK_TIMEOUT 30000 /* ms */

/* Entries of the list that have no file in the view. */
struct unmatched {
	size_t all;
	size_t unseen; /* of those: newer than all that the view has ever had */
};

/* The entry's UID goes to its message. One that would appear among messages already shown is not used: it gets a new one. */
static void
match_entry(struct folder *f, const struct uid_entry *e, struct unmatched *u)
{
	size_t index = scan_find(f, e->base);
	if (index == SIZE_MAX) {
		u->all++;
		u->unseen += e->uid > f->scan->highest;
		return;
	}
	struct message *m = &f->messages[index];
	if (m->uid == 0 && e->uid > f->scan->highest)
		m->uid = e->uid;
}

static struct unmatched
match_list(struct folder *f, const struct uidlist *l)
{
	struct slice rest = l->body;
	struct uid_entry e;
	struct unmatched u = {.all = 0};
	while (uidlist_next(&rest, &e))
		match_entry(f, &e, &u);
	return u;
}

static size_t
count_unnumbered(const struct folder *f, size_t known)
{
	size_t count = 0;
	for (size_t i = known; i < f->count; i++)
		count += f->messages[i].uid == 0;
	return count;
}

/* Order of arrival: the time that a name begins with, then its text. */
static int
compare_arrival(const void *a, const void *b)
{
	const struct message *m = a, *n = b;
	struct name_parts p, q;
	bool first = name_parse(slice_of(m->name), &p), second = name_parse(slice_of(n->name), &q);
	if (first && second && p.time != q.time)
		return p.time < q.time ? -1 : 1;
	return strcmp(m->name, n->name);
}

static int
compare_uids(const void *a, const void *b)
{
	uint32_t x = ((const struct message *)a)->uid, y = ((const struct message *)b)->uid;
	return x < y ? -1 : x > y;
}

/* Those with UIDs first, by UID; then those without, by arrival. */
static int
compare_new(const void *a, const void *b)
{
	const struct message *m = a, *n = b;
	if (m->uid == 0 && n->uid == 0)
		return compare_arrival(m, n);
	if (m->uid == 0 || n->uid == 0)
		return m->uid == 0 ? 1 : -1;
	return compare_uids(m, n);
}

static bool
sort_from(struct folder *f, size_t known, int (*compare)(const void *, const void *))
{
	if (f->count - known > 1)
		qsort(f->messages + known, f->count - known, sizeof *f->messages, compare);
	scan_unhash(f);
	return scan_hash(f);
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
	return scan_hash(f);
}

/* New numbers behind all others. */
static bool
number_new(struct folder *f, size_t known, struct uidlist *l)
{
	if (!drop_unborn(f, known) || !sort_from(f, known, compare_new))
		return false;
	for (size_t i = known; i < f->count; i++)
		if (f->messages[i].uid == 0)
			f->messages[i].uid = l->uidnext++;
	return true;
}

/* An entry stays when its message is there, or when nobody can say that it is not. */
static bool
stays(const struct folder *f, const struct uid_entry *e, bool stable)
{
	size_t index = scan_find(f, e->base);
	if (index == SIZE_MAX)
		return !stable;
	/* Its message was given another UID: this one is over. */
	return f->messages[index].uid == e->uid && !f->messages[index].vanished;
}

static bool
write_list(struct folder *f, size_t known, const struct uidlist *l, uint32_t first_new, bool stable)
{
	struct uidlist_writer w;
	struct slice rest = l->body;
	struct uid_entry e;
	if (!uidlist_write_begin(&w, f->directory, l))
		return false;
	while (uidlist_next(&rest, &e))
		if (stays(f, &e, stable))
			uidlist_write_entry(&w, &e);
	for (size_t i = known; i < f->count; i++) {
		const struct message *m = &f->messages[i];
		if (m->uid < first_new || m->vanished)
			continue;
		e = (struct uid_entry){.uid = m->uid, .base = slice_make(m->name, m->base_len)};
		uidlist_write_entry(&w, &e);
	}
	return uidlist_write_end(&w);
}

/* A list for a folder that has none, or none that can be believed: all is numbered anew under a new uidvalidity. */
static bool
begin_list(struct folder *f, struct uidlist *l, enum uidlist_result found)
{
	if (found == UIDLIST_ABSENT && (found = courier_move_in(f, l)) == UIDLIST_OK)
		return true;
	if (found == UIDLIST_ERROR)
		return false;
	if (found == UIDLIST_BROKEN)
		log_warning("uidlist-broken", log_text("hint", "the folder gets a new uidvalidity; clients will read it anew"));
	*l = (struct uidlist){.uidnext = 1, .uidvalidity = uidvalidity_next(f->root, f->uidvalidity)};
	return l->uidvalidity != 0;
}

static bool
assign_locked(struct folder *f, size_t known)
{
	struct uidlist l;
	bool stable = false, ok = true;
	enum uidlist_result found = uidlist_read(&l, f->directory, true);
	if (found != UIDLIST_OK && !begin_list(f, &l, found))
		return false;
	/* A view under an old uidvalidity gives no numbers under a new one; the list is begun by whoever opens it next. */
	if (f->uidvalidity != 0 && f->uidvalidity != l.uidvalidity) {
		uidlist_free(&l);
		errno = ESTALE;
		return false;
	}
	/* Entries without files: look once more, now that nobody else gives numbers. */
	if (match_list(f, &l).all > 0) {
		ok = scan_directories(f, true, &stable);
		match_list(f, &l);
	}
	uint32_t first_new = l.uidnext;
	assign_move_bound(f, &l);
	ok = ok && number_new(f, known, &l) && write_list(f, known, &l, first_new, stable) && assign_accept(f, &l);
	if (ok && found == UIDLIST_ABSENT)
		courier_moved(f);
	uidlist_free(&l);
	if (ok)
		f->scan->list_stamp = assign_list_stamp(f);
	return ok;
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
	enum uidlist_result found = uidlist_read(&l, f->directory, false);
	*enough = false;
	if (found == UIDLIST_ERROR)
		return false;
	/* The folder is gone, or begins anew: whatever it is, it is not what this view shows. */
	if (found == UIDLIST_ABSENT && f->uidvalidity != 0) {
		errno = ESTALE;
		return false;
	}
	if (found != UIDLIST_OK)
		return true;
	bool stable, ok = true;
	if (match_list(f, &l).unseen > 0) {
		ok = scan_directories(f, true, &stable) && drop_unborn(f, known);
		match_list(f, &l);
	}
	*enough = ok && count_unnumbered(f, known) == 0;
	/* What is not enough is not believed either: under the lock it may turn out to be broken. */
	for (size_t i = known; i < f->count && !*enough; i++)
		f->messages[i].uid = 0;
	ok = ok && (!*enough || assign_accept(f, &l));
	if (ok && *enough) {
		f->scan->list_stamp = stamp;
		f->scan->found_bound = l.bound;
	}
	uidlist_free(&l);
	return ok;
}

static bool
assign(struct folder *f, size_t known)
{
	bool enough;
	if (!assign_from_list(f, known, &enough))
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
	if (f->count == known && f->uidvalidity != 0 && index_stamp_same(&list, &f->scan->list_stamp))
		return true;
	if (!assign(f, known) || !sort_from(f, known, compare_uids)) {
		forget_from(f, known);
		return false;
	}
	if (f->count > known)
		f->scan->highest = f->messages[f->count - 1].uid;
	return true;
}
