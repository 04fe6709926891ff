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
#define STEP       INT64_C(604800000000) /* us: the bound is set a week ahead, so that it is seldom written */

struct index_stamp
index_stamp_now(int directory)
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
		x->off_until = clock_ms() + INDEX_OFF_TIME;
		return;
	}
	x->locked = true;
	x->broken = x->broken || !sound;
	struct index_stamp cur = index_stamp_now(f->cur);
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
bool
index_write_batch(struct folder *f)
{
	struct folder_index *x = f->index;
	if (x->messages.len > 0 || x->gone.len > 0)
		x->file.state.counted = 0;
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

bool
index_note_unseen(struct folder *f, struct message *m)
{
	struct folder_index *x = f->index;
	/* A message that only moved keeps its number. */
	uint64_t modseq = m->modseq != 0 && !m->vanished ? m->modseq : index_modseq(f);
	bool ok = modseq != 0 && (m->vanished ? add_gone_record(f, m, modseq) : add_message_record(f, m, modseq));
	if (ok && (x->messages.len >= INDEX_BLOCK_GOOD || x->gone.len >= INDEX_BLOCK_GOOD))
		ok = index_write_batch(f);
	x->broken = x->broken || !ok;
	m->unnoted = !ok;
	m->indexed = m->indexed || ok;
	m->modseq = modseq;
	return ok;
}

void
index_note(struct folder *f, struct message *m)
{
	struct folder_index *x = f->index;
	m->unnoted = true;
	if (x != NULL && x->depth > 0 && x->locked && !x->broken && x->usable)
		index_note_unseen(f, m);
}

/* cur/ is now as we have left it, if nobody else was there. */
static void
chain(struct folder *f)
{
	struct folder_index *x = f->index;
	if (!x->renamed || !x->chained)
		return;
	x->file.state.cur = index_stamp_now(f->cur);
	x->file.state.sure &= ~(uint64_t)INDEX_SURE_CUR;
}

static void
end_locked(struct folder *f)
{
	struct folder_index *x = f->index;
	int saved = errno;
	if (!x->broken && index_write_batch(f)) {
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
	scan_end_renames(f);
	if (x->locked)
		end_locked(f);
	list_lock_end(f, x->listed);
}
