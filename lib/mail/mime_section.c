#include "lib/mail/mime.h"

static const struct mime_part *
nth_child(const struct mime_tree *t, const struct mime_part *p, uint64_t n)
{
	uint32_t index = p->first_child;
	while (index != MIME_NONE && --n > 0)
		index = t->parts[index].next;
	return index != MIME_NONE ? &t->parts[index] : NULL;
}

const struct mime_part *
mime_child(const struct mime_tree *t, const struct mime_part *p)
{
	return p->first_child != MIME_NONE ? &t->parts[p->first_child] : NULL;
}

/*
 * One number of a section. A message (the whole one, or one within a part) has
 * its body as part 1 unless that is a multipart: `*message` says that `p`
 * stands for a message and not yet for that body.
 */
static const struct mime_part *
step(const struct mime_tree *t, const struct mime_part *p, uint64_t n, bool *message)
{
	if (p->kind == MIME_MESSAGE && !*message) {
		p = mime_child(t, p);
		*message = true;
	}
	if (p == NULL || n == 0)
		return NULL;
	bool body = *message;
	*message = false;
	if (p->kind == MIME_MULTIPART)
		return nth_child(t, p, n);
	return body && n == 1 ? p : NULL;
}

const struct mime_part *
mime_find(const struct mime_tree *t, struct slice section)
{
	const struct mime_part *p = t->count > 0 ? &t->parts[0] : NULL;
	struct cursor c = cursor_over(section);
	bool message = true;
	uint64_t n;
	while (p != NULL && !cursor_at_end(&c)) {
		if (!cursor_take_number(&c, UINT32_MAX, &n))
			return NULL;
		if (!cursor_at_end(&c) && (!cursor_take(&c, '.') || cursor_at_end(&c)))
			return NULL;
		p = step(t, p, n, &message);
	}
	return p;
}
