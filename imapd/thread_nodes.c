/* Nodes of threads, and what a message says of itself. */
#include "imapd/thread.h"

#include <stdlib.h>
#include <string.h>

#include "imapd/sort_key.h"
#include "lib/base/large.h"

static void
put(struct threads *t, uint32_t node)
{
	size_t at = t->nodes[node].id & (t->slots - 1);
	while (t->table[at] != THREAD_NONE)
		at = (at + 1) & (t->slots - 1);
	t->table[at] = node;
}

static bool
make_table(struct threads *t)
{
	size_t slots = 64;
	while (slots < 2 * t->room)
		slots *= 2;
	large_give(t->table, t->slots * sizeof *t->table);
	t->table = large_take(slots * sizeof *t->table);
	t->slots = t->table != NULL ? slots : 0;
	if (t->table == NULL)
		return false;
	memset(t->table, 0xff, slots * sizeof *t->table);
	for (size_t i = 0; i < t->count; i++)
		if (t->nodes[i].named)
			put(t, (uint32_t)i);
	return true;
}

static bool
make_room(struct threads *t, size_t room)
{
	if (room > THREAD_NODES_MOST)
		room = THREAD_NODES_MOST;
	struct thread_node *nodes = NULL;
	if (room > t->count)
		nodes = large_resize(t->nodes, t->room * sizeof *nodes, room * sizeof *nodes);
	if (nodes != NULL) {
		t->nodes = nodes;
		t->room = room;
	}
	t->failed = t->failed || nodes == NULL || !make_table(t);
	return !t->failed;
}

/* A node for each message, and some for those that are not there. */
bool
thread_open(struct threads *t, struct session *s, size_t messages)
{
	*t = (struct threads){.session = s, .key = siphash_key_new(), .text = STR_MOST(SORT_TEXT_MOST * 16)};
	return make_room(t, messages + messages / 8 + 16);
}

void
thread_close(struct threads *t)
{
	large_give(t->nodes, t->room * sizeof *t->nodes);
	large_give(t->table, t->slots * sizeof *t->table);
	free(t->dated);
	str_free(&t->text);
}

uint32_t
thread_node_new(struct threads *t)
{
	if (t->failed || (t->count == t->room && !make_room(t, 2 * t->room)))
		return THREAD_NONE;
	t->nodes[t->count] = (struct thread_node){.arrival = INT64_MIN, .message = THREAD_NONE, .parent = THREAD_NONE, .child = THREAD_NONE,
	    .last = THREAD_NONE, .next = THREAD_NONE};
	return (uint32_t)t->count++;
}

uint32_t
thread_node_of(struct threads *t, uint64_t id)
{
	for (size_t at = id & (t->slots - 1); t->table[at] != THREAD_NONE; at = (at + 1) & (t->slots - 1))
		if (t->nodes[t->table[at]].id == id)
			return t->table[at];
	uint32_t node = thread_node_new(t);
	if (node == THREAD_NONE)
		return node;
	t->nodes[node].id = id;
	t->nodes[node].named = true;
	put(t, node);
	return node;
}

static bool
read_subject(struct threads *t, struct slice subject, struct thread_node *n)
{
	str_clear(&t->text);
	bool ok = subject.data == NULL || sort_subject(&t->text, subject, &n->reply);
	n->subject = t->text.len > 0 ? siphash(&t->key, str_slice(&t->text)) : 0;
	return ok;
}

bool
thread_fill(struct threads *t, uint32_t node, uint32_t message, const struct thread_header *header)
{
	struct message *m = &t->session->view.folder.messages[message];
	time_t arrival = 0;
	if (node == THREAD_NONE)
		return false;
	struct thread_node *n = &t->nodes[node];
	n->message = message;
	n->date = header->has_sent ? header->sent : sort_date(t->session, m, header->values[THREAD_DATE]);
	folder_message_date(&t->session->view.folder, m, &arrival);
	n->arrival = arrival;
	t->failed = t->failed || !read_subject(t, header->values[THREAD_SUBJECT], n);
	return true;
}
