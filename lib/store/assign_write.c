/* Writing the UID list when messages were numbered: a line for each, or all of it anew (uidlist.h). */
#include "lib/base/clock.h"
#include "lib/store/assign.h"
#include "lib/store/index.h"

#define LINE_MORE   12      /* bytes of a line beside its base */
#define WASTE_LEAST 4096    /* bytes; less is not worth a rewriting */
#define AHEAD       INT64_C(1209600000000) /* us: the bound goes along when the list is written anyway */

/*
 * A quarter, as Dovecot has it. The count goes over all messages, so it is not
 * made again before the list has grown by an eighth.
 */
bool
assign_is_waste(struct folder *f, uint64_t size)
{
	uint64_t wanted = 0;
	if (size < f->scan->list_check)
		return false;
	f->scan->list_check = size + size / 8 + WASTE_LEAST;
	for (size_t i = 0; i < f->count; i++)
		if (!f->messages[i].vanished)
			wanted += f->messages[i].base_len + (uint64_t)LINE_MORE;
	return size > wanted + wanted / 3 + WASTE_LEAST;
}

/* Its bound goes along with the clock, if that is ours to do. */
static void
move_bound(const struct folder *f, struct uidlist *l)
{
	uint64_t bound = (uint64_t)clock_unix_us() + AHEAD;
	if (f->index != NULL && f->index->locked && l->bound < bound)
		l->bound = bound;
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

static void
write_new(const struct folder *f, struct uidlist_writer *w, const struct assignment *a)
{
	for (size_t i = a->known; i < f->count; i++) {
		const struct message *m = &f->messages[i];
		if (m->uid < a->first || m->vanished)
			continue;
		const struct uid_entry e = {.uid = m->uid, .base = slice_make(m->name, m->base_len)};
		uidlist_write_entry(w, &e);
	}
}

bool
assign_rewrite(struct folder *f, struct uidlist *l, const struct assignment *a)
{
	struct uidlist_writer w;
	struct slice rest = l->body;
	struct uid_entry e;
	move_bound(f, l);
	if (!uidlist_write_begin(&w, f->directory, l))
		return false;
	while (uidlist_next(&rest, &e))
		if (stays(f, &e, a->stable))
			uidlist_write_entry(&w, &e);
	write_new(f, &w, a);
	return uidlist_write_end(&w);
}

bool
assign_append(struct folder *f, const struct uidlist *l, const struct assignment *a)
{
	struct uidlist_writer w;
	if (!uidlist_append_begin(&w, f->directory, l->end))
		return false;
	write_new(f, &w, a);
	return uidlist_write_end(&w);
}
