/* STORE: RFC 3501 section 6.4.6; UNCHANGEDSINCE: RFC 7162 section 3.1.3. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/condstore.h"
#include "imapd/flags.h"
#include "imapd/parse_select.h"

#define MODIFIED_MOST (8 << 20) /* bytes */

struct change {
	enum flag_change kind;
	bool             silent;
	struct slice     names[FLAGS_MOST];
	size_t           count;
	struct flag_set  set;
	bool             conditional;
	uint64_t         modseq;   /* a message that is newer is left as it is */
	struct str       modified; /* numbers or UIDs of those, struct sequence_range */
};

/* [SP "(" "UNCHANGEDSINCE" SP modseq ")"] */
static bool
parse_modifiers(struct parser *p, struct change *c)
{
	struct cursor before = p->c;
	if (!cursor_take(&p->c, ' ') || !parse_maybe(p, '(')) {
		p->c = before;
		return true;
	}
	c->conditional = true;
	if (!parse_word(p, "UNCHANGEDSINCE"))
		return parse_fail(p, "there is an unknown modifier");
	return parse_space(p) && parse_modseq_or_zero(p, &c->modseq) && parse_byte(p, ')');
}

static bool
parse_change(struct parser *p, struct change *c)
{
	if (!parse_modifiers(p, c) || !parse_space(p))
		return false;
	c->kind = FLAGS_REPLACE;
	if (parse_maybe(p, '+'))
		c->kind = FLAGS_ADD;
	else if (parse_maybe(p, '-'))
		c->kind = FLAGS_REMOVE;
	c->silent = parse_word(p, "FLAGS.SILENT");
	if (!c->silent && !parse_word(p, "FLAGS"))
		return parse_fail(p, "FLAGS is missing");
	return parse_space(p) && parse_flag_list(p, true, c->names, FLAGS_MOST, &c->count) && parse_end(p);
}

static uint32_t
number_of(const struct session *s, const struct message *m, size_t index)
{
	return s->by_uid ? m->uid : (uint32_t)index + 1;
}

/* --- what was not changed --------------------------------------------------------------- */

static struct sequence_set
modified_set(const struct change *c)
{
	return (struct sequence_set){.count = c->modified.len / sizeof(struct sequence_range),
	    .ranges = (struct sequence_range *)(void *)c->modified.data};
}

/* They come in ascending order. */
static bool
add_modified(struct change *c, uint32_t number)
{
	struct sequence_set set = modified_set(c);
	struct sequence_range one = {.first = number, .last = number};
	if (set.count > 0 && set.ranges[set.count - 1].last + 1 == number) {
		set.ranges[set.count - 1].last = number;
		return true;
	}
	errno = ENOMEM;
	return str_append(&c->modified, &one, sizeof one);
}

/* "MODIFIED 7,9:11"; NULL: there are none, or no memory. */
static const char *
modified_code(struct session *s, const struct change *c)
{
	struct str text = STR_MOST(MODIFIED_MOST);
	struct sequence_set set = modified_set(c);
	for (size_t i = 0; i < set.count; i++) {
		struct sequence_range r = set.ranges[i];
		str_append_text(&text, i == 0 ? "MODIFIED " : ",");
		str_append_format(&text, r.first == r.last ? "%u" : "%u:%u", r.first, r.last);
	}
	const char *code = set.count > 0 && !text.failed ? scratch_copy(&s->scratch, str_slice(&text)) : NULL;
	str_free(&text);
	return code;
}

/* --- the change ------------------------------------------------------------------------- */

/* False with errno for trouble; a message that is gone is none. */
static bool
change_message(struct session *s, const struct change *c, struct targets *t, struct message *m)
{
	if (!folder_set_flags(&s->view.folder, m, c->kind, c->set.flags, c->set.keywords)) {
		t->gone = t->gone || errno == ENOENT;
		return errno == ENOENT;
	}
	m->changed = !c->silent || (m->changed && s->dialect.condstore);
	return true;
}

/* What others have changed meanwhile counts; under the lock no more can come. */
static bool
change_all(struct session *s, struct change *c, struct targets *t)
{
	size_t index;
	folder_change_begin(&s->view.folder);
	bool ok = !c->conditional || view_refresh(&s->view);
	for (struct message *m; ok && (m = targets_next(s, t, &index)) != NULL;) {
		if (c->conditional && condstore_is_newer(m, c->modseq))
			ok = add_modified(c, number_of(s, m, index));
		else
			ok = change_message(s, c, t, m);
	}
	int trouble = errno;
	folder_change_end(&s->view.folder);
	errno = trouble;
	return ok;
}

/* --- the answer ------------------------------------------------------------------------- */

/* RFC 7162 section 3.1.3: who counts mod-sequences must know the new one, though the change is silent. */
static void
tell_modseq(struct session *s, const struct message *m, size_t index)
{
	view_begin_fetch(&s->view, &s->out, &s->dialect, index, s->by_uid || s->dialect.qresync || s->dialect.rev2);
	condstore_write(&s->out, m);
	output_text(&s->out, ")\r\n");
}

/* Only now, without the folder's lock: the client may be slow to read it. */
static void
tell_all(struct session *s, const struct change *c, struct targets t)
{
	size_t index;
	const struct sequence_set modified = modified_set(c);
	bool by_modseq = s->dialect.condstore && condstore_possible(s);
	for (struct message *m; !s->out.failed && (m = targets_next(s, &t, &index)) != NULL;) {
		if (sequence_has(&modified, number_of(s, m, index)))
			continue;
		if (m->changed)
			view_tell_change(&s->view, &s->out, &s->dialect, index, s->by_uid);
		else if (by_modseq)
			tell_modseq(s, m, index);
	}
}

static struct answer
conclude(struct session *s, const struct change *c, const struct targets *t)
{
	const char *code = modified_code(s, c);
	errno = ENOMEM;
	if (code == NULL && c->modified.len > 0)
		return answer_errno("store flags");
	if (t->gone)
		return answer_no(code != NULL ? code : "EXPUNGEISSUED", "some of the messages are gone");
	return answer_ok_code(code, code != NULL ? "not all were changed" : "done");
}

static struct answer
store(struct session *s, struct change *c, struct targets *t)
{
	const struct targets all = *t;
	bool ok = change_all(s, c, t);
	int trouble = errno;
	tell_all(s, c, all);
	errno = trouble;
	struct answer answer = ok ? conclude(s, c, t) : answer_errno("store flags");
	str_free(&c->modified);
	return answer;
}

struct answer
cmd_store(struct session *s, struct parser *p)
{
	struct targets t;
	struct answer answer;
	struct change change = {.count = 0, .modified = STR_MOST(MODIFIED_MOST)};
	const char *error = NULL;
	if (!targets_parse(s, p, &t, &answer))
		return answer;
	if (!parse_change(p, &change))
		return answer_bad(p->error);
	if (!targets_resolve(s, &t))
		return answer_bad("there is no such message");
	if (s->view.folder.read_only)
		return answer_no("READ-ONLY", "the folder is open for reading only");
	if (change.conditional && !condstore_possible(s))
		return condstore_impossible();
	if (change.conditional)
		condstore_begin(s);
	bool create = change.kind != FLAGS_REMOVE;
	if (!flags_resolve(&s->view.folder, change.names, change.count, create, &change.set, &error))
		return answer_bad(error);
	view_tell_new_flags(&s->view, &s->out);
	return store(s, &change, &t);
}
