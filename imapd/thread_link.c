/* Who answers whom: steps 1 to 3 of REFERENCES, and ORDEREDSUBJECT. */
#include "imapd/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/sort_key.h"
#include "lib/base/sort.h"
#include "lib/mail/header.h"

/* --- Message-IDs ---------------------------------------------------------------------- */

/* Quotes and blanks are no part of an id. */
static bool
is_part(char byte)
{
	return byte != '"' && byte != '\\' && byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n';
}

static bool
is_plain(struct slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!is_part(id.data[i]))
			return false;
	return true;
}

static uint64_t
hash_unquoted(const struct siphash_key *key, struct slice id, bool *failed)
{
	struct str plain = STR_MOST(id.len);
	for (size_t i = 0; i < id.len; i++)
		if (is_part(id.data[i]))
			str_append_byte(&plain, id.data[i]);
	*failed = *failed || plain.failed;
	uint64_t hash = siphash(key, str_slice(&plain));
	str_free(&plain);
	return hash;
}

bool
thread_next_id(const struct siphash_key *key, struct slice *text, uint64_t *id, bool *failed)
{
	while (text->len > 0) {
		struct slice inner = slice_from(*text, slice_find(*text, '<') + 1);
		size_t end = slice_find(inner, '>');
		if (end == inner.len)
			break;
		*text = slice_from(inner, end + 1);
		inner = slice_first(inner, end);
		inner = slice_from(inner, slice_has(inner, '<') ? slice_find_last(inner, '<') + 1 : 0);
		if (!slice_has(inner, '@'))
			continue;
		*id = is_plain(inner) ? siphash(key, inner) : hash_unquoted(key, inner, failed);
		return true;
	}
	return false;
}

struct references {
	uint64_t ids[THREAD_REFERENCES]; /* a ring of the last ones */
	size_t   count;                  /* of all */
};

static void
read_references(struct threads *t, const struct thread_header *header, struct references *r)
{
	struct slice references = header->values[THREAD_REFERS_TO], reply_to = header->values[THREAD_IN_REPLY_TO];
	uint64_t id;
	r->count = 0;
	while (thread_next_id(&t->key, &references, &id, &t->failed))
		r->ids[r->count++ % THREAD_REFERENCES] = id;
	/* Of In-Reply-To only the first counts. */
	if (r->count == 0 && thread_next_id(&t->key, &reply_to, &id, &t->failed))
		r->ids[r->count++] = id;
}

/* --- links ------------------------------------------------------------------------------ */

/* Whether `parent` lies beneath `child`, or too deep. */
static bool
makes_loop(const struct threads *t, uint32_t child, uint32_t parent)
{
	unsigned depth = 0;
	for (; parent != THREAD_NONE; parent = t->nodes[parent].parent)
		if (parent == child || ++depth > THREAD_DEPTH_MOST)
			return true;
	return false;
}

/* Links that are there already stay, unless the message itself says otherwise. */
static void
link_to(struct threads *t, uint32_t child, uint32_t parent, bool own)
{
	struct thread_node *n = &t->nodes[child];
	if ((n->parent != THREAD_NONE && !own) || n->parent == parent)
		return;
	uint32_t before = n->parent;
	n->parent = THREAD_NONE;
	n->parent = makes_loop(t, child, parent) ? before : parent;
}

static uint32_t
own_node(struct threads *t, const struct thread_header *header)
{
	struct slice own = header->values[THREAD_MESSAGE_ID];
	uint64_t id;
	if (!thread_next_id(&t->key, &own, &id, &t->failed))
		return thread_node_new(t);
	uint32_t node = thread_node_of(t, id);
	/* A second message of that id is one of its own. */
	return node != THREAD_NONE && t->nodes[node].message != THREAD_NONE ? thread_node_new(t) : node;
}

static void
link_message(struct threads *t, uint32_t message, const struct thread_header *header)
{
	struct references r;
	read_references(t, header, &r);
	uint32_t node = own_node(t, header), before = THREAD_NONE;
	if (!thread_fill(t, node, message, header))
		return;
	for (size_t i = r.count > THREAD_REFERENCES ? r.count - THREAD_REFERENCES : 0; i < r.count; i++) {
		uint32_t reference = thread_node_of(t, r.ids[i % THREAD_REFERENCES]);
		if (reference == THREAD_NONE)
			return;
		if (before != THREAD_NONE)
			link_to(t, reference, before, false);
		before = reference;
	}
	if (before != THREAD_NONE)
		link_to(t, node, before, true);
	else
		t->nodes[node].parent = THREAD_NONE;
}

/*
 * Step 3: what stands for no message vanishes, its children become those of
 * what is above it; at the top it stays while it has two or more.
 */
static uint32_t
above(struct threads *t, uint32_t node)
{
	uint32_t top = node;
	while (top != THREAD_NONE && t->nodes[top].message == THREAD_NONE && t->nodes[top].parent != THREAD_NONE)
		top = t->nodes[top].parent;
	/* The way is short for those who come after. */
	while (node != THREAD_NONE && node != top) {
		uint32_t next = t->nodes[node].parent;
		t->nodes[node].parent = top;
		node = next;
	}
	return top;
}

static void
prune(struct threads *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->nodes[i].message != THREAD_NONE)
			t->nodes[i].parent = above(t, t->nodes[i].parent);
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t parent = t->nodes[i].parent;
		if (t->nodes[i].message == THREAD_NONE || parent == THREAD_NONE || t->nodes[parent].message != THREAD_NONE)
			continue;
		/* Counted in `child` for a moment. */
		t->nodes[parent].child = t->nodes[parent].child == THREAD_NONE ? 1 : 2;
	}
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t parent = t->nodes[i].parent;
		bool alone = parent != THREAD_NONE && t->nodes[parent].message == THREAD_NONE && t->nodes[parent].child == 1;
		if (t->nodes[i].message != THREAD_NONE && alone)
			t->nodes[i].parent = THREAD_NONE;
	}
}

/* The header, or an empty one where the message cannot be read. */
static struct thread_header
header_of(struct threads *t, uint32_t message)
{
	static const char *const names[THREAD_FIELDS] = {"Message-ID", "In-Reply-To", "References", "Subject", "Date"};
	struct message *m = &t->session->view.folder.messages[message];
	struct thread_header found = {.has_sent = false};
	struct slice header;
	/* Before the header, which is good until the folder is asked for something else. */
	found.has_sent = sort_sent(t->session, m, &found.sent);
	if (match_header(t->session, m, &header))
		header_find_each(header, names, found.has_sent ? THREAD_DATE : THREAD_FIELDS, found.values);
	else
		t->missing = t->missing || errno != ENOENT;
	return found;
}

void
thread_link_references(struct threads *t, const struct matches *found)
{
	for (size_t i = 0; i < found->count && !t->failed; i++) {
		struct thread_header header = header_of(t, found->indexes[i]);
		link_message(t, found->indexes[i], &header);
	}
	prune(t);
}

/* --- ORDEREDSUBJECT -------------------------------------------------------------------------- */

static int
compare_subjects(const void *context, uint32_t a, uint32_t b)
{
	const struct thread_node *nodes = context, *x = &nodes[a], *y = &nodes[b];
	if (x->subject != y->subject)
		return x->subject > y->subject ? 1 : -1;
	if (x->date != y->date)
		return x->date > y->date ? 1 : -1;
	return (x->message > y->message) - (x->message < y->message);
}

/* The first of each subject is the parent of all others. */
void
thread_link_subjects(struct threads *t, const struct matches *found)
{
	for (size_t i = 0; i < found->count && !t->failed; i++) {
		struct thread_header header = header_of(t, found->indexes[i]);
		thread_fill(t, thread_node_new(t), found->indexes[i], &header);
	}
	uint32_t *order = reallocarray(NULL, t->count + t->count / 2 + 1, sizeof *order);
	t->failed = t->failed || order == NULL;
	if (order == NULL)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		order[i] = i;
	sort_places(order, t->count, order + t->count, compare_subjects, t->nodes);
	for (size_t i = 1, first = 0; i < t->count; i++) {
		if (t->nodes[order[i]].subject == t->nodes[order[first]].subject)
			t->nodes[order[i]].parent = order[first];
		else
			first = i;
	}
	free(order);
}
