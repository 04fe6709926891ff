/* Giving UIDs under the list's lock (assign.c). */
#include <errno.h>

#include "lib/base/log.h"
#include "lib/store/assign.h"
#include "lib/store/courier.h"
#include "lib/store/index.h"
#include "lib/store/uidvalidity.h"

/* A list for a folder that has none, or none that can be believed: all is numbered anew under a new uidvalidity. */
static bool
begin_list(struct folder *f, struct uidlist *l, enum uidlist_result found)
{
	/* The folder is gone, or begins anew: whatever it is, it is not what this view shows. */
	if (found == UIDLIST_ABSENT && f->uidvalidity != 0) {
		errno = ESTALE;
		return false;
	}
	if (found == UIDLIST_ABSENT && (found = courier_move_in(f, l)) == UIDLIST_OK)
		return true;
	if (found == UIDLIST_ERROR)
		return false;
	if (found == UIDLIST_BROKEN)
		log_warning("uidlist-broken", log_text("hint", "the folder gets a new uidvalidity; clients will read it anew"));
	*l = (struct uidlist){.uidnext = 1, .uidvalidity = uidvalidity_next(f->root, f->uidvalidity)};
	return l->uidvalidity != 0;
}

/* The view knows of UIDs that the list does not: it was cut short, or is an old one. They are not given again. */
static bool
is_cut_short(const struct folder *f, struct uidlist *l)
{
	const struct index_state *s = &f->index->file.state;
	uint32_t next = f->uidvalidity == l->uidvalidity ? f->uidnext : 0;
	if (f->index->locked && s->uidvalidity == l->uidvalidity && s->uidnext > next)
		next = s->uidnext;
	if (next <= l->uidnext || next >= UID_LAST)
		return false;
	l->uidnext = next;
	return true;
}

bool
assign_is_known(const struct folder *f, const struct index_stamp *stamp)
{
	const struct folder_scan *s = f->scan;
	return f->uidvalidity != 0 && s->list_end != 0 && s->list_end == stamp->size && index_stamp_same(stamp, &s->list_stamp);
}

enum uidlist_result
assign_read_news(struct folder *f, struct uidlist *l)
{
	const struct folder_scan *s = f->scan;
	if (f->uidvalidity == 0 || s->list_end == 0 || uidlist_read_behind(l, f->directory, s->list_end, s->list_next) != UIDLIST_OK)
		return uidlist_read(l, f->directory);
	if (l->uidvalidity == f->uidvalidity) {
		l->uidnext = l->uidnext < s->list_next ? s->list_next : l->uidnext;
		return UIDLIST_OK;
	}
	uidlist_free(l);
	return uidlist_read(l, f->directory);
}

/* The list under the lock, and whether it must be written anew. */
struct locked_list {
	struct uidlist  l;
	struct matching found;
	bool            unread, rewrite, absent;
};

static bool
read_locked(struct folder *f, struct locked_list *k)
{
	struct index_stamp stamp = assign_list_stamp(f);
	*k = (struct locked_list){.unread = assign_is_known(f, &stamp)};
	if (k->unread) {
		k->l = (struct uidlist){.uidvalidity = f->uidvalidity, .uidnext = f->uidnext, .end = stamp.size, .part = true};
	} else {
		enum uidlist_result found = assign_read_news(f, &k->l);
		k->absent = found == UIDLIST_ABSENT;
		k->rewrite = found != UIDLIST_OK;
		if (k->rewrite && !begin_list(f, &k->l, found))
			return false;
	}
	/* A view under an old uidvalidity gives no numbers under a new one; the list is begun by whoever opens it next. */
	if (f->uidvalidity != 0 && f->uidvalidity != k->l.uidvalidity) {
		uidlist_free(&k->l);
		errno = ESTALE;
		return false;
	}
	k->found = assign_match(f, &k->l);
	k->rewrite = is_cut_short(f, &k->l) || k->l.torn || k->l.old || k->found.conflicts > 0 || k->rewrite
	    || assign_is_waste(f, k->l.end);
	return true;
}

/* What is to be written anew is read whole. */
static bool
read_enough(struct folder *f, struct locked_list *k)
{
	if (!read_locked(f, k))
		return false;
	if (!k->rewrite || !k->l.part)
		return true;
	uidlist_free(&k->l);
	f->scan->list_end = 0;
	if (!read_locked(f, k))
		return false;
	k->rewrite = true;
	return true;
}

static bool
write_locked(struct folder *f, struct locked_list *k, const struct assignment *a)
{
	if (!k->unread)
		f->scan->found_bound = k->l.bound;
	if (k->rewrite)
		return assign_rewrite(f, &k->l, a);
	return k->l.uidnext == a->first || assign_append(f, &k->l, a);
}

/* `settled`: no line is left whose message may still come to light. */
static void
know_now(struct folder *f, bool settled)
{
	struct index_stamp stamp = assign_list_stamp(f);
	assign_know(f, &stamp, settled ? stamp.size : 0, f->uidnext);
}

bool
assign_locked(struct folder *f, size_t known)
{
	struct locked_list k;
	struct assignment a = {.known = known};
	bool ok = true;
	if (!read_enough(f, &k))
		return false;
	/* Entries without files: look once more, now that nobody else gives numbers. */
	if (k.found.unseen > 0 || (k.rewrite && k.found.all > 0)) {
		ok = scan_directories(f, true, &a.stable);
		k.found = assign_match(f, &k.l);
	}
	a.first = k.l.uidnext;
	ok = ok && assign_number(f, known, &k.l) && write_locked(f, &k, &a);
	if (ok && k.unread)
		f->uidnext = k.l.uidnext;
	ok = ok && (k.unread || assign_accept(f, &k.l));
	if (ok && k.absent)
		courier_moved(f);
	if (ok)
		know_now(f, k.found.unseen == 0 || a.stable);
	uidlist_free(&k.l);
	return ok;
}

