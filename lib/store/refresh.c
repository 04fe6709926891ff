/*
 * Bringing a view up to date: from the index as long as that is true, else by
 * a look at the directories, of which the index learns what it lacked.
 */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/store/index.h"
#include "lib/store/scan.h"

/* The view that has just been read out of the index is the list's. If not, there is no view. */
static bool
adopt_view(struct folder *f)
{
	struct folder_index *x = f->index;
	f->uidvalidity = x->file.state.uidvalidity;
	f->uidnext = x->file.state.uidnext;
	folder_drop(f, NULL, NULL);
	if (!(index_doubts(f) & INDEX_DOUBT_LIST)) {
		assign_know(f, &x->file.state.list, x->file.state.list.size, x->file.state.uidnext);
		return true;
	}
	if (assign_verify(f))
		return true;
	f->uidvalidity = f->uidnext = 0;
	index_disbelieve(f);
	return false;
}

/* True: the index says all, and nobody need look. */
static bool
from_index(struct folder *f)
{
	struct folder_index *x = f->index;
	bool first = f->uidvalidity == 0;
	x->news = false;
	bool ok = index_follow(f) && (!first || adopt_view(f));
	if (!ok && first)
		scan_forget(f);
	if (!ok)
		return false;
	if (f->uidnext < x->file.state.uidnext)
		f->uidnext = x->file.state.uidnext;
	if (first || x->news)
		keywords_load(f);
	return index_doubts(f) == 0;
}

/* Nothing can have changed since the last look, and there is no index that knows more. */
static bool
unchanged(const struct folder *f)
{
	struct index_stamp fresh, cur;
	return f->uidvalidity != 0 && f->scan->trusted && scan_stamps(f, &fresh, &cur)
	    && index_stamp_same(&fresh, &f->scan->fresh_stamp) && index_stamp_same(&cur, &f->scan->cur_stamp);
}

static bool
look_everywhere(struct folder *f)
{
	struct folder_index *x = f->index;
	int64_t begun = clock_ms();
	bool stable;
	if (!scan_directories(f, false, &stable))
		return false;
	x->looked = clock_ms();
	x->look_time = x->looked - begun;
	/* What may have been missed is looked for again. */
	x->recheck = false;
	for (size_t i = 0; i < f->count; i++)
		x->recheck = x->recheck || (f->messages[i].missed && !f->messages[i].vanished);
	return true;
}

/* Only where there is a doubt. */
static bool
look(struct folder *f)
{
	const struct index_state *s = &f->index->file.state;
	unsigned doubts = f->index->locked ? index_doubts(f) : INDEX_DOUBTS;
	bool enough = false;
	if (!(doubts & INDEX_DOUBT_CUR)) {
		f->scan->fresh_stamp = s->fresh;
		f->scan->cur_stamp = s->cur;
		f->scan->sure = (unsigned)s->sure;
		enough = !(doubts & INDEX_DOUBT_FRESH);
		if (!enough && !scan_fresh(f, &enough))
			return false;
	}
	return enough || look_everywhere(f);
}

static bool
from_directories(struct folder *f)
{
	size_t known = f->count;
	if (!keywords_load(f) || !look(f) || !assign_uids(f, known))
		return false;
	index_agree(f);
	return true;
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
	bool locked = scan_begin_rename(f);
	bool ok = renameat(f->fresh, m->name, f->cur, name) == 0;
	scan_end_rename(f, locked);
	if (!ok)
		return;
	f->index->renamed = true;
	m->in_new = false;
	m->recent = true;
	f->scan->trusted = false;
	/* Without memory for the name the next scan finds it. */
	scan_rename(f, m, slice_of(name));
}

static void
move_new(struct folder *f)
{
	bool begun = false;
	for (size_t i = 0; i < f->count && !f->read_only; i++) {
		struct message *m = &f->messages[i];
		if (!m->in_new || m->vanished)
			continue;
		if (!begun)
			index_begin(f);
		begun = true;
		move_to_cur(f, m);
		index_note(f, m);
	}
	if (begun)
		index_end(f);
}

static bool
refresh(struct folder *f)
{
	if (from_index(f))
		return true;
	if (!f->index->usable && unchanged(f))
		return true;
	index_begin(f);
	bool ok = (f->index->locked && from_index(f)) || from_directories(f);
	if (ok)
		move_new(f);
	index_end(f);
	return ok;
}

bool
folder_refresh(struct folder *f)
{
	if (!folder_open_parts(f) || !scan_prepare(f) || !index_prepare(f))
		return false;
	bool ok = refresh(f);
	if (ok)
		move_new(f);
	index_write_learned(f);
	return ok;
}
