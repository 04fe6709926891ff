/* After a look at the directories: the index learns what it lacked, or is written anew. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/store/index.h"
#include "lib/store/scan.h"

#define WASTE_LEAST 131072   /* bytes; less is not worth a rewriting */

/* A message that left the view in the meantime. */
static void
note_lost(struct folder *f)
{
	struct folder_index *x = f->index;
	struct message m = {.vanished = true, .indexed = true};
	x->broken = x->broken || x->lost.failed;
	for (size_t at = 0; at + sizeof m.uid <= x->lost.len && !x->broken; at += sizeof m.uid) {
		memcpy(&m.uid, x->lost.data + at, sizeof m.uid);
		index_note(f, &m);
	}
	if (!x->broken)
		str_free(&x->lost);
}

void
index_dropped(struct folder *f, const struct message *m)
{
	if (f->index != NULL && m->indexed && m->unnoted)
		str_append(&f->index->lost, &m->uid, sizeof m->uid);
}

/* Another file under a known name: the old one's facts are taken back. */
static void
note_replaced(struct folder *f, struct message *m)
{
	struct index_facts r = {.head = {.uid = m->uid}, .inode = m->inode, .size = INDEX_UNKNOWN,
	    .wire_size = INDEX_UNKNOWN, .sent = INT64_MIN};
	f->index->broken = f->index->broken || !index_record_add(&f->index->facts, &r, sizeof r, slice_make(NULL, 0));
	m->replaced = false;
}

static bool
note_all(struct folder *f)
{
	note_lost(f);
	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].replaced)
			note_replaced(f, &f->messages[i]);
	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].unnoted)
			index_note(f, &f->messages[i]);
	return index_write_batch(f) && !f->index->broken;
}

/* A delivery's facts, now that it has its UID; its own record serves this view as well. */
static void
adopt(struct folder *f, struct index_facts *r, struct slice base)
{
	size_t index = scan_find(f, base);
	struct message *m = index != SIZE_MAX ? &f->messages[index] : NULL;
	if (m == NULL || m->uid == 0 || m->vanished || m->facts != 0 || (m->inode != 0 && m->inode != r->inode))
		return;
	m->facts = r->head.sum;
	m->inode = r->inode;
	index_know_sent(m, r);
	r->head.uid = m->uid;
	r->base_len = 0;
	index_record_add(&f->index->facts, r, sizeof *r, slice_make(NULL, 0));
	if (f->index->facts.len >= INDEX_BLOCK_GOOD)
		index_write_batch(f);
}

static void
adopt_deliveries(struct folder *f)
{
	struct folder_index *x = f->index;
	struct index_facts r;
	for (size_t at = 0, len; at < x->deliveries.len; at += len) {
		memcpy(&r, x->deliveries.data + at, sizeof r);
		len = r.head.len;
		adopt(f, &r, slice_make(x->deliveries.data + at + sizeof r, r.base_len));
	}
	str_free(&x->deliveries);
	index_write_batch(f);
	x->file.state.adopted = x->file.state.end;
}

void
index_take_stamps(struct folder *f, struct index_state *s)
{
	/* The list's bytes are where who follows begins to read: they must end with a line. */
	s->list = f->scan->list_end == f->scan->list_stamp.size ? f->scan->list_stamp : (struct index_stamp){.inode = 0};
	s->uidnext = f->uidnext;
	f->scan->found_bound = 0;
	if (f->index->recheck)
		return;
	s->fresh = f->scan->fresh_stamp;
	s->cur = f->scan->cur_stamp;
	s->sure = f->scan->sure;
}

/* What is renamed from now on begins at these stamps. */
static void
chain_again(struct folder *f)
{
	struct index_stamp cur = index_stamp_now(f->cur);
	f->index->chained = !f->index->recheck && index_stamp_same(&cur, &f->index->file.state.cur);
	f->index->renamed = false;
}

void
index_agree(struct folder *f)
{
	struct folder_index *x = f->index;
	struct index_state *s = &x->file.state;
	if (!x->locked || f->uidvalidity == 0)
		return;
	/* Behind the bound of the list: the index is older than that, and others may have gone on from there. */
	if (x->usable && !x->broken && f->scan->found_bound > s->bound)
		s->modseq = s->bound = f->scan->found_bound;
	if (f->scan->list_read && f->scan->bound > s->bound)
		s->bound = f->scan->bound;
	if (x->usable && !x->broken && note_all(f)) {
		adopt_deliveries(f);
		index_take_stamps(f, s);
		chain_again(f);
		if (s->waste > WASTE_LEAST && s->waste > s->end / 2)
			x->broken = true;
		else
			return;
	}
	if (index_rewrite(f)) {
		chain_again(f);
		return;
	}
	log_warning("index-not-written", log_errno(), log_text("hint", "the folder is read without it"));
	x->usable = false;
	x->off_until = clock_ms() + INDEX_OFF_TIME;
}
