/* Step 5 of REFERENCES: threads of one base subject are put together. */
#include "imapd/thread.h"

#include <stdlib.h>
#include <string.h>

/* The thread of each subject: open addressing. */
struct subjects {
	uint32_t *roots;
	size_t    slots;
};

/* The message that speaks for a thread. */
static const struct thread_node *
speaker(const struct threads *t, uint32_t root)
{
	const struct thread_node *n = &t->nodes[root];
	return n->message == THREAD_NONE && n->child != THREAD_NONE ? &t->nodes[n->child] : n;
}

static uint32_t *
place_of(const struct subjects *s, const struct threads *t, uint64_t subject)
{
	size_t at = subject & (s->slots - 1);
	while (s->roots[at] != THREAD_NONE && speaker(t, s->roots[at])->subject != subject)
		at = (at + 1) & (s->slots - 1);
	return &s->roots[at];
}

static bool
is_empty(const struct threads *t, uint32_t root)
{
	return t->nodes[root].message == THREAD_NONE;
}

/* 5.B: the one that others are put to is no message, or else no reply. */
static void
enter(const struct subjects *s, const struct threads *t, uint32_t root)
{
	uint32_t *place = place_of(s, t, speaker(t, root)->subject);
	bool better = *place != THREAD_NONE && ((is_empty(t, root) && !is_empty(t, *place)) ||
	    (speaker(t, *place)->reply && !speaker(t, root)->reply));
	if (*place == THREAD_NONE || better)
		*place = root;
}

/* `root`, or what is beneath it where it is no message, becomes a child of `parent`. */
static void
put_beneath(struct threads *t, uint32_t root, uint32_t parent)
{
	if (!is_empty(t, root)) {
		t->nodes[root].parent = parent;
		return;
	}
	for (uint32_t child = t->nodes[root].child; child != THREAD_NONE; child = t->nodes[child].next)
		t->nodes[child].parent = parent;
	t->nodes[root].child = THREAD_NONE;
}

/* 5.C */
static void
merge(struct threads *t, const struct subjects *s, uint32_t root)
{
	uint32_t *place = place_of(s, t, speaker(t, root)->subject);
	uint32_t other = *place;
	if (other == THREAD_NONE || other == root)
		return;
	if (is_empty(t, other) || (speaker(t, root)->reply && !speaker(t, other)->reply)) {
		put_beneath(t, root, other);
		return;
	}
	uint32_t both = thread_node_new(t);
	if (both == THREAD_NONE)
		return;
	t->nodes[both].subject = speaker(t, root)->subject;
	put_beneath(t, other, both);
	put_beneath(t, root, both);
	*place = both;
}

void
thread_merge_subjects(struct threads *t)
{
	size_t count;
	uint32_t *roots = thread_sort(t, false, &count);
	struct subjects s = {.slots = 64};
	while (s.slots < 2 * count)
		s.slots *= 2;
	s.roots = reallocarray(NULL, s.slots, sizeof *s.roots);
	t->failed = t->failed || s.roots == NULL;
	if (!t->failed) {
		memset(s.roots, 0xff, s.slots * sizeof *s.roots);
		for (size_t i = 0; i < count; i++)
			if (speaker(t, roots[i])->subject != 0)
				enter(&s, t, roots[i]);
		for (size_t i = 0; i < count; i++)
			if (speaker(t, roots[i])->subject != 0)
				merge(t, &s, roots[i]);
	}
	free(s.roots);
	free(roots);
}
