#include "imapd/thread.h"

static void
write_number(struct threads *t, uint32_t node)
{
	const struct session *s = t->session;
	uint32_t message = t->nodes[node].message;
	if (message != THREAD_NONE)
		output_number(&t->session->out, s->by_uid ? s->view.folder.messages[message].uid : message + 1);
}

static bool
has_siblings(const struct threads *t, uint32_t node)
{
	uint32_t first = t->nodes[t->nodes[node].parent].child;
	return t->nodes[first].next != THREAD_NONE;
}

/* Down to the first child: behind a space, within parentheses where it has siblings. */
static uint32_t
go_down(struct threads *t, uint32_t node)
{
	uint32_t child = t->nodes[node].child;
	output_text(&t->session->out, t->nodes[node].message != THREAD_NONE ? " " : "");
	output_text(&t->session->out, has_siblings(t, child) ? "(" : "");
	write_number(t, child);
	return child;
}

/* To the next of all that are not written yet; THREAD_NONE: the thread is written. */
static uint32_t
go_on(struct threads *t, uint32_t node, uint32_t root)
{
	for (; node != root; node = t->nodes[node].parent) {
		if (!has_siblings(t, node))
			continue;
		output_text(&t->session->out, ")");
		if (t->nodes[node].next == THREAD_NONE)
			continue;
		node = t->nodes[node].next;
		output_text(&t->session->out, "(");
		write_number(t, node);
		return node;
	}
	return THREAD_NONE;
}

void
thread_write(struct threads *t, const uint32_t *roots, size_t count)
{
	struct output *out = &t->session->out;
	output_text(out, "* THREAD");
	output_text(out, count > 0 ? " " : "");
	for (size_t i = 0; i < count && !out->failed; i++) {
		output_text(out, "(");
		write_number(t, roots[i]);
		for (uint32_t node = roots[i]; node != THREAD_NONE;)
			node = t->nodes[node].child != THREAD_NONE ? go_down(t, node) : go_on(t, node, roots[i]);
		output_text(out, ")");
	}
	output_text(out, "\r\n");
}
