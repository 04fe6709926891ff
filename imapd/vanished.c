#include "imapd/vanished.h"

#include <stdlib.h>
#include <string.h>

#define RANGES_MOST 500 /* of one response: lines of bearable length */
#define GONE_MOST   (1 << 20) /* bytes */

static void
write_run(struct vanished *v)
{
	if (v->ranges == RANGES_MOST) {
		output_text(v->out, "\r\n");
		v->ranges = 0;
	}
	if (v->ranges++ == 0)
		output_text(v->out, v->earlier ? "* VANISHED (EARLIER) " : "* VANISHED ");
	else
		output_text(v->out, ",");
	output_format(v->out, v->first == v->last ? "%u" : "%u:%u", v->first, v->last);
}

void
vanished_add(struct vanished *v, uint32_t first, uint32_t last)
{
	if (v->first != 0 && v->last + 1 == first) {
		v->last = last;
		return;
	}
	if (v->first != 0)
		write_run(v);
	v->first = first;
	v->last = last;
}

void
vanished_end(struct vanished *v)
{
	if (v->first == 0)
		return;
	write_run(v);
	output_text(v->out, "\r\n");
	v->first = 0;
	v->ranges = 0;
}

/* --- since a mod-sequence --------------------------------------------------------- */

/* The UIDs from `first` to `last` that no message of the folder has. */
static void
add_gaps(struct vanished *v, const struct folder *f, uint32_t first, uint32_t last)
{
	size_t i = folder_place_of(f, first);
	for (; i < f->count && f->messages[i].uid <= last; i++) {
		if (f->messages[i].uid > first)
			vanished_add(v, first, f->messages[i].uid - 1);
		first = f->messages[i].uid + 1;
	}
	if (first <= last && first != 0)
		vanished_add(v, first, last);
}

/* UIDs that were never given are not gone. */
static void
tell_all_gaps(struct output *out, const struct folder *f, const struct vanished_since *since)
{
	struct vanished v = {.out = out, .earlier = true};
	for (size_t i = 0; i < since->known.count; i++) {
		struct sequence_range r = since->known.ranges[i];
		uint32_t first = r.first > since->matched ? r.first : since->matched + 1;
		uint32_t last = r.last < f->uidnext ? r.last : f->uidnext - 1;
		if (first <= last)
			add_gaps(&v, f, first, last);
	}
	vanished_end(&v);
}

static void
gather(void *context, uint32_t uid)
{
	str_append(context, &uid, sizeof uid);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void
tell_remembered(struct output *out, const struct view *view, const struct vanished_since *since, uint32_t *uids, size_t count)
{
	struct vanished v = {.out = out, .earlier = true};
	qsort(uids, count, sizeof *uids, compare);
	for (size_t i = 0; i < count; i++) {
		size_t place = folder_place_of(&view->folder, uids[i]);
		/* What this client is still to be told of as gone now is not gone earlier. */
		bool there = place < view->folder.count && view->folder.messages[place].uid == uids[i];
		if (!there && sequence_has(&since->known, uids[i]) && (i == 0 || uids[i] != uids[i - 1]))
			vanished_add(&v, uids[i], uids[i]);
	}
	vanished_end(&v);
}

bool
vanished_tell_earlier(struct output *out, struct view *v, const struct vanished_since *since)
{
	struct str gone = STR_MOST(GONE_MOST);
	bool all = folder_expunged_since(&v->folder, since->modseq, gather, &gone);
	bool failed = gone.failed;
	if (!all)
		tell_all_gaps(out, &v->folder, since);
	else if (gone.len > 0 && !failed)
		tell_remembered(out, v, since, (uint32_t *)(void *)gone.data, gone.len / sizeof(uint32_t));
	str_free(&gone);
	return !all || !failed;
}
