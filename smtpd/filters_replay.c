/* A message shown to a milter, and what the milter changes. */
#include <string.h>

#include "lib/base/log.h"
#include "lib/filter/changes.h"
#include "lib/mail/address.h"
#include "smtpd/filters_state.h"
#include "lib/mail/parameters.h"

#define PARAMETERS_MOST 4096 /* octets that a filter may say behind an address */

/* A new body while it comes: its lines are brought to CRLF (promise 4). */
struct replay {
	struct session *s;
	uint64_t        start;  /* of the new body in the scratch file */
	bool            bodied; /* there is one */
	bool            cr;     /* its last byte was a CR, which is not written yet */
	size_t          count;  /* changes kept */
};

/* --- taking changes ------------------------------------------------------------------- */

static void
write_text(struct replay *r, const char *text)
{
	filters_scratch_write(&r->s->filters->scratch, slice_of(text));
}

/* The longest run without line ends. */
static size_t
plain_run(struct slice bytes)
{
	size_t len = 0;
	while (len < bytes.len && bytes.data[len] != '\r' && bytes.data[len] != '\n')
		len++;
	return len;
}

/* A CR alone and an LF alone are line ends each; a CR with an LF behind it, in the next packet perhaps, is one. */
static void
write_lines(struct replay *r, struct slice bytes)
{
	while (bytes.len > 0) {
		size_t len = plain_run(bytes);
		bool lf = bytes.data[0] == '\n';
		if (r->cr || lf)
			write_text(r, "\r\n");
		r->cr = len == 0 && !lf;
		if (len > 0)
			filters_scratch_write(&r->s->filters->scratch, slice_first(bytes, len));
		bytes = slice_from(bytes, len > 0 ? len : 1);
	}
}

static bool
take_body(struct replay *r, struct slice bytes)
{
	struct scratch *k = &r->s->filters->scratch;
	if (!r->bodied) {
		r->bodied = true;
		r->start = k->end;
	}
	if (k->end - r->start + bytes.len > r->s->config->message_size)
		return false;
	write_lines(r, bytes);
	return !k->failed;
}

/* An envelope address of a filter, with or without angle brackets. */
static bool
read_address(const struct session *s, struct slice text, unsigned flags, struct address *a)
{
	struct slice rest;
	flags |= ADDRESS_LOOSE | (s->envelope.said.smtputf8 ? ADDRESS_UTF8 : 0);
	enum address_result r = address_parse_path(text, flags, a, &rest);
	return (r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG) && slice_trim(rest).len == 0;
}

static bool
take_change(void *context, char kind, struct slice data)
{
	struct replay *r = context;
	struct change c;
	struct address a;
	if (!change_parse(&c, kind, data))
		return false;
	if (c.kind == CHANGE_BODY)
		return take_body(r, c.value);
	if (c.kind == CHANGE_SENDER && !read_address(r->s, c.address, ADDRESS_NULL, &a))
		return false;
	if ((c.kind == CHANGE_ADD_RECIPIENT || c.kind == CHANGE_DROP_RECIPIENT) && !read_address(r->s, c.address, 0, &a))
		return false;
	r->count++;
	return change_keep(&r->s->filters->changes, kind, data);
}

/* --- applying them ---------------------------------------------------------------------- */

static bool
set_sender(struct session *s, const struct change *c)
{
	const struct parameter_facts facts = {.message_size = UINT64_MAX, .encrypted = s->encrypted, .esmtp = true};
	struct mail_parameters said;
	struct address a;
	if (!read_address(s, c->address, ADDRESS_NULL, &a) || !str_set(&s->envelope.sender, address_text(&a)))
		return false;
	struct str rest = STR_MOST(PARAMETERS_MOST);
	str_append_format(&rest, " %.*s", (int)c->parameters.len, c->parameters.len > 0 ? c->parameters.data : "");
	if (c->parameters.len > 0 && mail_parameters_read(&said, str_slice(&rest), &facts).text == NULL) {
		memcpy(s->envelope.said.ret, said.ret, sizeof said.ret);
		memcpy(s->envelope.said.envid, said.envid, sizeof said.envid);
	}
	str_free(&rest);
	return true;
}

/* Where a recipient stands among the others; count when he is not there. */
static size_t
find_recipient(const struct envelope *e, struct slice address)
{
	struct slice left = str_slice(&e->recipients), one;
	size_t at = 0;
	for (; slice_split(&left, '\0', &one); at++)
		if (slice_equal_nocase(one, address))
			return at;
	return e->recipient_count;
}

static bool
add_recipient(struct session *s, const struct change *c)
{
	const struct parameter_facts facts = {.esmtp = true, .smtputf8 = s->envelope.said.smtputf8};
	struct rcpt_parameters said;
	struct address a;
	if (!read_address(s, c->address, 0, &a))
		return false;
	if (find_recipient(&s->envelope, address_text(&a)) < s->envelope.recipient_count)
		return true;
	struct str rest = STR_MOST(PARAMETERS_MOST);
	str_append_format(&rest, " %.*s", (int)c->parameters.len, c->parameters.len > 0 ? c->parameters.data : "");
	bool right = c->parameters.len > 0 && rcpt_parameters_read(&said, str_slice(&rest), &facts).text == NULL;
	str_free(&rest);
	return session_add_recipient(s, address_text(&a), right ? &said : NULL);
}

/* Cuts the n'th text that ends in NUL out of a list of them. */
static void
cut(struct str *list, size_t n)
{
	struct slice left = str_slice(list), one;
	while (n-- > 0 && slice_split(&left, '\0', &one))
		;
	size_t at = list->len - left.len;
	slice_split(&left, '\0', &one);
	memmove(list->data + at, left.len > 0 ? left.data : list->data + list->len, left.len);
	str_truncate(list, at + left.len);
}

static bool
drop_recipient(struct session *s, const struct change *c)
{
	struct envelope *e = &s->envelope;
	struct address a;
	if (!read_address(s, c->address, 0, &a))
		return false;
	/* A client may have named him more than once. */
	for (size_t n; (n = find_recipient(e, address_text(&a))) < e->recipient_count; e->recipient_count--) {
		cut(&e->recipients, n);
		cut(&e->recipient_keys, n);
	}
	return true;
}

static bool
apply(struct session *s, const struct filter_milter *f, const struct change *c)
{
	struct fields *fields = &s->filters->fields;
	bool leads = milter_leads(&f->wire);
	switch (c->kind) {
	case CHANGE_ADD_FIELD:
		return fields_add(fields, c->name, c->value, leads);
	case CHANGE_INSERT_FIELD:
		return fields_insert(fields, c->index, c->name, c->value, leads);
	case CHANGE_FIELD:
		return fields_change(fields, c->index, c->name, c->value, leads);
	case CHANGE_SENDER:
		return set_sender(s, c);
	case CHANGE_ADD_RECIPIENT:
		return add_recipient(s, c);
	case CHANGE_DROP_RECIPIENT:
		return drop_recipient(s, c);
	case CHANGE_QUARANTINE:
		filters_hold(s, f->name, c->value);
		return true;
	case CHANGE_BODY:
		break;
	}
	return true;
}

/* All at once, when the filter has said its last word: one that breaks before has changed nothing. */
static bool
apply_all(struct replay *r, struct filter_milter *f)
{
	struct filters *fs = r->s->filters;
	struct slice kept = str_slice(&fs->changes);
	struct change c;
	while (change_next(&kept, &c))
		if (!apply(r->s, f, &c)) {
			f->wire.trouble = "its changes are over a limit";
			return false;
		}
	if (r->bodied) {
		if (r->cr)
			write_text(r, "\r\n");
		fs->body_at = r->start;
		fs->body_len = fs->scratch.end - r->start;
	}
	if (r->count > 0 || r->bodied)
		log_info("filter-changed", log_slice("filter", f->name), log_text("queue", r->s->envelope.queue_id),
		    log_number("changes", (int64_t)r->count), session_fact("body", r->bodied ? "replaced" : ""));
	return !fs->scratch.failed;
}

/* --- showing the message -------------------------------------------------------------------- */

static enum milter_word
show_header(const struct fields *fields, struct milter *m)
{
	struct slice name, value;
	for (size_t n = 0; n < fields_count(fields); n++) {
		if (!fields_get(fields, n, &name, &value))
			continue;
		enum milter_word word = milter_field(m, name, value);
		if (word != MILTER_CONTINUE)
			return word;
	}
	return milter_end_of_header(m);
}

static enum milter_word
show_body(const struct filters *fs, struct milter *m)
{
	static char chunk[MILTER_BODY_MOST];
	uint64_t at = fs->body_at, left = fs->body_len;
	enum milter_word word = MILTER_CONTINUE;
	while (left > 0 && word == MILTER_CONTINUE) {
		size_t len = left < sizeof chunk ? (size_t)left : sizeof chunk;
		if (!filters_scratch_read(&fs->scratch, at, chunk, len)) {
			m->trouble = "the scratch file cannot be read";
			return MILTER_BROKEN;
		}
		word = milter_body(m, slice_make(chunk, len));
		at += len;
		left -= len;
	}
	return word == MILTER_SKIP ? MILTER_CONTINUE : word;
}

enum milter_word
filters_replay(struct session *s, struct filter_milter *f)
{
	struct filters *fs = s->filters;
	struct replay r = {.s = s};
	str_clear(&fs->changes);
	enum milter_word word = show_header(&fs->fields, &f->wire);
	if (word == MILTER_CONTINUE || word == MILTER_SKIP)
		word = show_body(fs, &f->wire);
	if (word != MILTER_CONTINUE)
		return word;
	word = milter_end(&f->wire, take_change, &r);
	f->told = word == MILTER_BROKEN;
	if ((word == MILTER_CONTINUE || word == MILTER_ACCEPTED) && !apply_all(&r, f))
		return MILTER_BROKEN;
	return word;
}
