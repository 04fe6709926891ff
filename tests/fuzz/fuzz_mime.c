/* The tree of any message: parts within their parents, in order, counts right, every part found by its section. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/budget.h"
#include "lib/mail/mime.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check_range(struct slice message, struct mime_range r)
{
	size_t lines = 0, bare = 0;
	must(r.start <= r.end && r.end <= message.len);
	for (size_t i = r.start; i < r.end; i++) {
		lines += message.data[i] == '\n';
		bare += message.data[i] == '\n' && (i == 0 || message.data[i - 1] != '\r');
	}
	must(lines == r.lines && bare == r.bare);
}

static void
read_parameters(struct slice text)
{
	struct mime_parameters p;
	struct slice name, value;
	mime_parameters_begin(&p, text);
	while (mime_parameters_next(&p, &name, &value))
		must(name.len > 0 && name.len + value.len <= text.len);
	mime_parameters_end(&p);
}

static void
check_part(const struct mime_tree *t, struct slice message, const struct mime_part *p)
{
	struct slice word;
	struct cursor language = cursor_over(p->language);
	check_range(message, p->header);
	check_range(message, p->body);
	must(p->header.end == p->body.start);
	must(p->depth <= BUDGET_MIME_NESTING);
	must(p->kind != MIME_MESSAGE || (p->first_child != MIME_NONE && t->parts[p->first_child].next == MIME_NONE));
	must(p->kind != MIME_LEAF || p->first_child == MIME_NONE);
	must((p->parent == MIME_NONE) == (p == t->parts));
	if (p->parent != MIME_NONE) {
		const struct mime_part *parent = &t->parts[p->parent];
		must(parent < p && p->depth == parent->depth + 1);
		must(p->header.start >= parent->body.start && p->body.end <= parent->body.end);
	}
	must(p->next == MIME_NONE || t->parts[p->next].header.start >= p->body.end);
	read_parameters(p->parameters);
	read_parameters(p->disposition_parameters);
	while (mime_word_next(&language, &word))
		must(word.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = slice_make((const char *)data, size);
	struct mime_tree t;
	must(mime_parse(&t, message));
	must(t.count >= 1 && t.count <= BUDGET_MIME_PARTS);
	for (size_t i = 0; i < t.count; i++)
		check_part(&t, message, &t.parts[i]);
	must(t.parts[0].header.start == 0 && t.parts[0].body.end == size);
	mime_find(&t, slice_first(message, 20));
	mime_free(&t);
	return 0;
}
