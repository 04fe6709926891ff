/* Threads in order: steps 4 and 6, and the order of REFS. */
#include "imapd/thread.h"

#include <stdlib.h>

#include "lib/base/sort.h"

/* What stands for no message has its first child's date and number. */
static const struct thread_node *
dated(const struct thread_node *nodes, uint32_t node)
{
	const struct thread_node *n = &nodes[node];
	return n->message == THREAD_NONE && n->child != THREAD_NONE ? &nodes[n->child] : n;
}

static int
compare_messages(const struct thread_node *nodes, uint32_t a, uint32_t b)
{
	uint32_t x = dated(nodes, a)->message, y = dated(nodes, b)->message;
	return (x > y) - (x < y);
}

static int
compare_dates(const void *nodes, uint32_t a, uint32_t b)
{
	int64_t x = dated(nodes, a)->date, y = dated(nodes, b)->date;
	return x != y ? (x > y ? 1 : -1) : compare_messages(nodes, a, b);
}

static int
compare_arrivals(const void *context, uint32_t a, uint32_t b)
{
	const struct thread_node *nodes = context;
	int64_t x = nodes[a].arrival, y = nodes[b].arrival;
	return x != y ? (x > y ? 1 : -1) : compare_messages(nodes, a, b);
}

/* There is room behind the list. */
static void
sort_nodes(struct threads *t, uint32_t *list, size_t count, bool by_arrival)
{
	sort_places(list, count, list + count, by_arrival ? compare_arrivals : compare_dates, t->nodes);
}

static void
add_child(struct threads *t, uint32_t node)
{
	struct thread_node *parent = &t->nodes[t->nodes[node].parent];
	if (parent->child == THREAD_NONE)
		parent->child = node;
	else
		t->nodes[parent->last].next = node;
	parent->last = node;
}

static uint32_t *
new_list(struct threads *t)
{
	uint32_t *list = t->failed ? NULL : reallocarray(NULL, t->count + t->count / 2 + 1, sizeof *list);
	t->failed = t->failed || list == NULL;
	return list;
}

/* All messages by date: what is made later stands for none. */
static bool
sort_messages(struct threads *t)
{
	if (t->dated != NULL)
		return true;
	t->dated = new_list(t);
	if (t->dated == NULL)
		return false;
	for (uint32_t i = 0; i < t->count; i++)
		if (t->nodes[i].message != THREAD_NONE)
			t->dated[t->messages++] = i;
	sort_nodes(t, t->dated, t->messages, false);
	return true;
}

/* As they come by date, so that every row of siblings is in order. */
static void
add_children(struct threads *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		t->nodes[i].child = t->nodes[i].last = t->nodes[i].next = THREAD_NONE;
	for (size_t i = 0; i < t->messages; i++)
		if (t->nodes[t->dated[i]].parent != THREAD_NONE)
			add_child(t, t->dated[i]);
}

/* Messages by date, so that most of it is sorted; behind them what stands for none. */
static size_t
gather_roots(const struct threads *t, uint32_t *list)
{
	size_t count = 0;
	for (size_t i = 0; i < t->messages; i++)
		if (t->nodes[t->dated[i]].parent == THREAD_NONE)
			list[count++] = t->dated[i];
	for (uint32_t i = 0; i < t->count; i++)
		if (t->nodes[i].parent == THREAD_NONE && t->nodes[i].message == THREAD_NONE && t->nodes[i].child != THREAD_NONE)
			list[count++] = i;
	return count;
}

/* Each root gets the newest arrival of its thread: every node tells its parent, the deepest first by going up once each. */
static void
raise_arrivals(struct threads *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		for (uint32_t up = t->nodes[i].parent; up != THREAD_NONE; up = t->nodes[up].parent) {
			if (t->nodes[up].arrival >= t->nodes[i].arrival)
				break;
			t->nodes[up].arrival = t->nodes[i].arrival;
		}
}

uint32_t *
thread_sort(struct threads *t, bool by_arrival, size_t *count)
{
	uint32_t *list = new_list(t);
	*count = 0;
	if (list == NULL || !sort_messages(t))
		return list;
	add_children(t);
	*count = gather_roots(t, list);
	if (by_arrival)
		raise_arrivals(t);
	sort_nodes(t, list, *count, by_arrival);
	return list;
}
