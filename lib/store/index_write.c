/* Changes of the folder, and what the index learns of them. index.h has the order of the steps. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/store/index.h"
#include "lib/store/list_lock.h"
#include "lib/store/scan.h"

#define PATIENCE   2000      /* ms for the lock */
#define OFF_TIME   10000     /* ms without trying, after it could not be had */
#define STEP       INT64_C(604800000000) /* us: the bound is set a week ahead, so that it is seldom written */
#define WASTE_LEAST 131072   /* bytes; less is not worth a rewriting */

static struct index_stamp
stamp_of(int directory)
{
	struct stat st;
	if (fstat(directory, &st) < 0)
		return (struct index_stamp){.inode = 0};
	return index_stamp_of(&st);
}

void
index_begin(struct folder *f)
{
	if (!index_prepare(f))
		return;
	struct folder_index *x = f->index;
	bool sound;
	if (x->depth++ > 0)
		return;
	x->locked = x->chained = x->renamed = x->followed = false;
	x->modseq = 0;
	x->listed = list_lock_begin(f);
	if (clock_ms() < x->off_until)
		return;
	if (!index_file_lock(&x->file, f->directory, PATIENCE, &sound)) {
		x->off_until = clock_ms() + OFF_TIME;
		return;
	}
	x->locked = true;
	x->broken = x->broken || !sound;
	struct index_stamp cur = stamp_of(f->cur);
	x->followed = sound && x->usable && x->id == x->file.state.id && x->read_to == x->file.state.end;
	x->chained = sound && index_stamp_same(&cur, &x->file.state.cur);
}

/* Durable in the UID list first. */
static bool
raise_bound(struct folder *f, uint64_t modseq)
{
	struct index_state *s = &f->index->file.state;
	/* A list that another program wrote anew without it. */
	bool lost = f->scan->list_read && f->scan->bound < s->bound;
	if (modseq <= s->bound && !lost)
		return true;
	uint64_t wanted = modseq <= s->bound ? s->bound : modseq + STEP;
	if ((!f->scan->list_read || f->scan->bound < modseq || lost) && !assign_bound(f, wanted))
		return false;
	s->bound = f->scan->bound;
	return true;
}

uint64_t
index_modseq(struct folder *f)
{
	struct folder_index *x = f->index;
	if (!x->locked || x->modseq != 0)
		return x->modseq;
	uint64_t now = (uint64_t)clock_unix_us(), next = x->file.state.modseq + 1;
	next = now > next ? now : next;
	/* A folder that was only opened does not know its list: what changes in it is noticed by whoever looks. */
	if (f->scan == NULL || f->uidvalidity == 0 || !raise_bound(f, next))
		return 0;
	x->modseq = x->file.state.modseq = f->highest_modseq = next;
	return next;
}

/* Messages first: facts and ends are those of messages that are known. */
static bool
write_batch(struct folder *f)
{
	struct folder_index *x = f->index;
	bool ok = index_file_append(&x->file, INDEX_MESSAGES, &x->messages)
	    && index_file_append(&x->file, INDEX_FACTS, &x->facts) && index_file_append(&x->file, INDEX_GONE, &x->gone);
	x->broken = x->broken || !ok;
	str_clear(&x->messages);
	str_clear(&x->facts);
	str_clear(&x->gone);
	return ok;
}

static bool
add_message_record(struct folder *f, const struct message *m, uint64_t modseq)
{
	struct slice name = slice_of(m->name);
	struct index_message r = {.head = {.uid = m->uid}, .modseq = modseq, .keywords = m->keywords, .flags = m->flags,
	    .in_new = m->in_new, .name_len = (uint8_t)name.len, .base_len = m->base_len};
	if (m->indexed)
		f->index->file.state.waste += sizeof r + name.len;
	return index_record_add(&f->index->messages, &r, sizeof r, name);
}

static bool
add_gone_record(struct folder *f, const struct message *m, uint64_t modseq)
{
	struct index_gone r = {.head = {.uid = m->uid}, .modseq = modseq};
	f->index->file.state.waste += sizeof(struct index_message) + sizeof(struct index_facts) + m->base_len + sizeof r;
	return index_record_add(&f->index->gone, &r, sizeof r, slice_make(NULL, 0));
}

void
index_note(struct folder *f, struct message *m)
{
	struct folder_index *x = f->index;
	m->unnoted = true;
	if (x == NULL || x->depth == 0 || !x->locked || x->broken || !x->usable)
		return;
	/* A message that only moved keeps its number. */
	uint64_t modseq = m->modseq != 0 && !m->vanished ? m->modseq : index_modseq(f);
	bool ok = modseq != 0 && (m->vanished ? add_gone_record(f, m, modseq) : add_message_record(f, m, modseq));
	if (ok && (x->messages.len >= INDEX_BLOCK_GOOD || x->gone.len >= INDEX_BLOCK_GOOD))
		ok = write_batch(f);
	x->broken = x->broken || !ok;
	m->unnoted = !ok;
	m->indexed = m->indexed || ok;
	m->modseq = modseq;
}

/* cur/ is now as we have left it, if nobody else was there. */
static void
chain(struct folder *f)
{
	struct folder_index *x = f->index;
	if (!x->renamed || !x->chained)
		return;
	x->file.state.cur = stamp_of(f->cur);
	x->file.state.sure &= ~(uint64_t)INDEX_SURE_CUR;
}

static void
end_locked(struct folder *f)
{
	struct folder_index *x = f->index;
	int saved = errno;
	if (!x->broken && write_batch(f)) {
		chain(f);
		x->broken = !index_file_commit(&x->file);
		if (x->followed && x->id == x->file.state.id)
			x->read_to = x->file.state.end;
	}
	index_file_unlock(&x->file);
	x->locked = false;
	errno = saved;
}

void
index_end(struct folder *f)
{
	struct folder_index *x = f->index;
	if (x == NULL || x->depth == 0 || --x->depth > 0)
		return;
	if (x->locked)
		end_locked(f);
	list_lock_end(f, x->listed);
}

/* --- after a look -------------------------------------------------------------------- */

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
	return write_batch(f) && !f->index->broken;
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
	r->head.uid = m->uid;
	r->base_len = 0;
	index_record_add(&f->index->facts, r, sizeof *r, slice_make(NULL, 0));
	if (f->index->facts.len >= INDEX_BLOCK_GOOD)
		write_batch(f);
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
	write_batch(f);
	x->file.state.adopted = x->file.state.end;
}

void
index_take_stamps(struct folder *f, struct index_state *s)
{
	s->list = f->scan->list_stamp;
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
	struct index_stamp cur = stamp_of(f->cur);
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
	x->off_until = clock_ms() + OFF_TIME;
}
