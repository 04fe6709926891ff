#include "lib/store/status.h"

#include <errno.h>

#include "lib/store/index.h"
#include "lib/store/scan.h"

static void
tell(struct folder_status *status, const struct index_counts *c)
{
	status->messages = c->messages;
	status->fresh = c->fresh;
	status->unseen = c->unseen;
	status->deleted = c->deleted;
	status->bytes = c->bytes;
}

/* False: nobody has counted, or what was counted is not believed. The folder stays unread. */
static bool
from_state(struct folder *f, bool sizes, struct folder_status *status)
{
	const struct index_state *s = &f->index->file.state;
	if (!index_peek(f) || !s->counted || (sizes && s->counts.bytes == INDEX_UNKNOWN))
		return false;
	tell(status, &s->counts);
	status->uidvalidity = s->uidvalidity;
	status->uidnext = s->uidnext;
	status->highest_modseq = s->modseq;
	return true;
}

/* False with errno: a size cannot be had. One that has just vanished is not there. */
static bool
add(struct index_counts *c, struct folder *f, struct message *m, bool sizes)
{
	uint64_t size = m->wire_size;
	if (sizes && !folder_message_size(f, m, &size))
		return errno == ENOENT;
	c->messages++;
	c->fresh += m->in_new;
	c->unseen += !(m->flags & FLAG_SEEN);
	c->deleted += (m->flags & FLAG_DELETED) != 0;
	c->bytes = size == SIZE_UNKNOWN || c->bytes == INDEX_UNKNOWN ? INDEX_UNKNOWN : c->bytes + size;
	return true;
}

/* `*noted`: the index knows all of it. */
static bool
count(struct folder *f, bool sizes, struct index_counts *c, bool *noted)
{
	*c = (struct index_counts){.messages = 0};
	*noted = true;
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		if (!m->vanished && !add(c, f, m, sizes))
			return false;
		*noted = *noted && !m->unnoted;
	}
	return true;
}

/* For the next one, where the view is what the index says. Who holds the lock is about to change that: it is not waited for. */
static void
leave(struct folder *f, const struct index_counts *c)
{
	struct folder_index *x = f->index;
	struct index_state *s = &x->file.state;
	bool sound;
	if (!x->usable || x->broken || x->recheck || x->depth > 0 || !index_file_lock(&x->file, f->directory, 0, &sound))
		return;
	if (sound && x->id == s->id && x->read_to == s->end) {
		s->counts = *c;
		s->counted = 1;
		x->broken = !index_file_commit(&x->file);
	}
	index_file_unlock(&x->file);
}

bool
folder_status(struct folder *f, bool sizes, struct folder_status *status)
{
	struct index_counts c;
	bool noted;
	if (scan_prepare(f) && index_prepare(f) && f->uidvalidity == 0 && from_state(f, sizes, status))
		return true;
	if (!folder_refresh(f) || !count(f, sizes, &c, &noted))
		return false;
	tell(status, &c);
	status->uidvalidity = f->uidvalidity;
	status->uidnext = f->uidnext;
	status->highest_modseq = f->highest_modseq;
	if (noted)
		leave(f, &c);
	return true;
}
