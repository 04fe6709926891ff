#include "smtpd/foresee.h"

#include "lib/base/cursor.h"

enum address_result
recipient_parse(const struct session *s, struct slice path, struct address *a, struct slice *rest)
{
	unsigned utf8 = s->envelope.said.smtputf8 ? ADDRESS_UTF8 : 0;
	enum address_result r = address_parse_path(path, ADDRESS_POSTMASTER | ADDRESS_LOOSE | utf8, a, rest);
	if (r != ADDRESS_OK && r != ADDRESS_LOCAL_LONG)
		return r;
	return address_complete(a, s->config->hostname) ? ADDRESS_OK : ADDRESS_WRONG;
}

void
foresee_forget(struct session *s)
{
	s->foreseen.asked = s->foreseen.known = s->foreseen.next = 0;
	str_clear(&s->foreseen.addresses);
	s->foreseen.left = slice_of("");
}

/* They are used in the order of their lines; one that was refused before its turn to be looked up is passed over. */
bool
foresee_take(struct session *s, struct slice address, enum recipient_class *class, uint64_t *size_most)
{
	struct foreseen *f = &s->foreseen;
	struct slice one;
	while (f->next < f->known && slice_split(&f->left, '\0', &one)) {
		size_t at = f->next++;
		if (!slice_equal(one, address))
			continue;
		*class = (enum recipient_class)f->ones[at].class;
		*size_most = f->ones[at].size_most;
		return true;
	}
	return false;
}

/* The recipient of the first line of `*lines`, which it is taken from. False: it is no whole line, or something else. */
static bool
next_recipient(const struct session *s, struct slice *lines, struct address *a)
{
	size_t end = slice_find(*lines, '\n');
	struct slice line = slice_first(*lines, end), rest;
	if (end == lines->len || !slice_ends(line, "\r"))
		return false;
	*lines = slice_from(*lines, end + 1);
	line.len--;
	struct cursor c = cursor_over(line);
	return cursor_take_nocase(&c, "RCPT TO:") && recipient_parse(s, c.rest, a, &rest) == ADDRESS_OK;
}

static bool
remember(struct foreseen *f, struct slice address)
{
	size_t before = f->addresses.len;
	if (str_append_slice(&f->addresses, address) && str_append_byte(&f->addresses, '\0'))
		return true;
	f->addresses.failed = false;
	str_truncate(&f->addresses, before);
	return false;
}

size_t
foresee_ask(struct session *s, struct slice address, struct packet *p)
{
	struct foreseen *f = &s->foreseen;
	struct slice lines = input_buffered(&s->in);
	struct address a;
	foresee_forget(s);
	packet_add(p, address);
	while (f->asked < FORESEEN_MOST && next_recipient(s, &lines, &a) && remember(f, address_text(&a))) {
		packet_add(p, address_text(&a));
		f->asked++;
	}
	return f->asked;
}

void
foresee_learn(struct session *s, enum recipient_class class, uint64_t size_most)
{
	struct foreseen *f = &s->foreseen;
	f->ones[f->known].class = (unsigned char)class;
	f->ones[f->known++].size_most = size_most;
	f->left = str_slice(&f->addresses);
}
