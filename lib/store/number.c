/*
 * UIDs for what was just added to a folder, without reading the folder. As long
 * as the UID list is as the index has seen it, the index says which UID is the
 * next one; how cur/ and new/ are does not matter for that. The numbers become
 * lines of the list, durable, and records of the index. cur/'s stamp in the index stays as
 * it was, so who opens the folder next looks at the directory once.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/store/directory.h"
#include "lib/store/index.h"
#include "lib/store/save.h"
#include "lib/store/scan.h"
#include "lib/store/settle.h"
#include "lib/store/uidlist.h"

/* The list is as the index says, and as it was before the messages were there: none of them has a number. */
static bool
is_unread(struct folder *f, const struct index_stamp *stamp)
{
	const struct index_state *s = &f->index->file.state;
	struct uidlist l;
	if (s->uidvalidity == 0 || !index_stamp_same(stamp, &s->list) || !index_stamp_same(stamp, &f->scan->list_before)
	    || uidlist_read_behind(&l, f->directory, stamp->size, s->uidnext) != UIDLIST_OK)
		return false;
	bool ok = l.uidvalidity == s->uidvalidity && l.uidnext <= s->uidnext && !l.torn && !l.old;
	uidlist_free(&l);
	return ok;
}

static bool
may_go_unread(struct folder *f)
{
	struct folder_index *x = f->index;
	struct index_stamp stamp = assign_list_stamp(f);
	if (!x->listed || !x->locked || x->broken || !is_unread(f, &stamp))
		return false;
	assign_know(f, &stamp, stamp.size, x->file.state.uidnext);
	return true;
}

/* Durable, with what they are of. */
static bool
settle_lines(const struct folder *f, struct uidlist_writer *w, struct save *s)
{
	int list = uidlist_append_end_unsynced(w);
	bool ok = list >= 0;
	if (ok && s != NULL)
		ok = save_settle(s, list);
	else if (ok)
		ok = (settle_in_order(f->cur, list) || fsync(f->cur) == 0) && fsync(list) == 0;
	directory_close(list);
	return ok;
}

static bool
append_lines(struct folder *f, struct folder_added *added, size_t count, struct save *s)
{
	struct uidlist_writer w;
	uint32_t next = f->index->file.state.uidnext;
	if (UID_LAST - next <= count || !uidlist_append_begin(&w, f->directory, f->scan->list_end))
		return false;
	for (size_t i = 0; i < count; i++) {
		added[i].uid = next++;
		const struct uid_entry e = {.uid = added[i].uid, .base = slice_of(added[i].base)};
		uidlist_write_entry(&w, &e);
	}
	return settle_lines(f, &w, s);
}

static bool
note(struct folder *f, const struct folder_added *a, uint64_t modseq)
{
	char name[NAME_MOST + 1];
	struct slice base = slice_of(a->base);
	struct message m = {.uid = a->uid, .name = name, .flags = a->flags, .keywords = a->keywords,
	    .base_len = (uint8_t)base.len, .modseq = modseq};
	return name_build(name, base, slice_make(NULL, 0), a->flags, a->keywords) && index_note_unseen(f, &m);
}

/* The lines are there: if the index cannot be written, it differs from the list, and whoever opens the folder reads that. */
static void
tell_index(struct folder *f, const struct folder_added *added, size_t count, uint64_t modseq)
{
	struct index_state *s = &f->index->file.state;
	for (size_t i = 0; i < count; i++)
		if (!note(f, &added[i], modseq))
			return;
	s->list = assign_list_stamp(f);
	s->uidnext = added[count - 1].uid + 1;
}

static bool
number_unread(struct folder *f, struct folder_added *added, size_t count, struct save *s)
{
	if (!may_go_unread(f))
		return false;
	/* For this moment the folder is one that is known. */
	f->uidvalidity = f->index->file.state.uidvalidity;
	uint64_t modseq = index_modseq(f);
	bool ok = modseq != 0 && append_lines(f, added, count, s);
	if (ok)
		tell_index(f, added, count, modseq);
	f->uidvalidity = 0;
	f->highest_modseq = 0;
	return ok;
}

static bool
find_all(struct folder *f, struct folder_added *added, size_t count)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		const struct message *m = folder_find_base(f, added[i].base);
		added[i].uid = m != NULL && !m->vanished ? m->uid : 0;
		found += added[i].uid != 0;
	}
	return found == count;
}

/* What was added within the clock's grain of another session's change is not seen by a stamp: then the directories are looked at. */
static bool
number_by_refresh(struct folder *f, struct folder_added *added, size_t count)
{
	if (!folder_refresh(f))
		return false;
	if (find_all(f, added, count))
		return true;
	f->index->recheck = true;
	f->scan->trusted = false;
	if (!folder_refresh(f))
		return false;
	find_all(f, added, count);
	return true;
}

bool
folder_number_begin(struct folder *f)
{
	if (!scan_prepare(f) || !index_prepare(f))
		return false;
	f->scan->list_before = assign_list_stamp(f);
	return true;
}

static bool
settle_additions(const struct folder *f, struct save *s)
{
	if (s == NULL)
		return folder_sync(f);
	if (s->trouble == 0 && s->fd >= 0)
		save_settle(s, -1);
	errno = s->trouble;
	return s->trouble == 0;
}

static bool
number(struct folder *f, struct folder_added *added, size_t count, uint32_t *uidvalidity, struct save *s)
{
	bool ok = false;
	*uidvalidity = 0;
	if (f->uidvalidity == 0 && count > 0) {
		index_begin(f);
		ok = number_unread(f, added, count, s);
		*uidvalidity = f->index->file.state.uidvalidity;
		index_end(f);
	}
	if (ok)
		return true;
	if (!settle_additions(f, s))
		return false;
	*uidvalidity = number_by_refresh(f, added, count) ? f->uidvalidity : 0;
	return true;
}

bool
folder_number(struct folder *f, struct folder_added *added, size_t count, uint32_t *uidvalidity)
{
	return number(f, added, count, uidvalidity, NULL);
}

bool
folder_number_saved(struct folder *f, struct save *s, struct folder_added *added, uint32_t *uidvalidity)
{
	return number(f, added, 1, uidvalidity, s);
}
