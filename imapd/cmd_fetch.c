/* FETCH: RFC 3501 section 6.4.5; CHANGEDSINCE and VANISHED: RFC 7162 sections 3.1.4.1, 3.2.6. */
#include "imapd/fetch.h"

#include <errno.h>

#include "imapd/condstore.h"
#include "imapd/vanished.h"

/* A few fields of the message's own header, all of which the index keeps. */
static bool
is_listed(const struct fetch_item *item)
{
	bool listed = item->kind == FETCH_SECTION && item->section.text == SECTION_FIELDS && item->section.part.len == 0;
	for (size_t i = 0; listed && i < item->section.count; i++)
		listed = folder_header_kept(item->section.names[i]);
	return listed;
}

static bool
is_binary(const struct fetch_item *i)
{
	return i->kind == FETCH_BINARY || i->kind == FETCH_BINARY_SIZE;
}

static void
look_over_items(struct fetch *f)
{
	for (struct fetch_item *i = f->items; i != NULL; i = i->next) {
		i->listed = is_listed(i);
		f->needs_structure |= i->kind == FETCH_BODY || i->kind == FETCH_PREVIEW;
		f->needs_texts |= i->kind == FETCH_ENVELOPE || i->kind == FETCH_BODYSTRUCTURE || i->kind == FETCH_THREADID || i->listed;
		f->needs_binary |= is_binary(i);
		f->needs_body |= i->kind == FETCH_BODY || i->kind == FETCH_PREVIEW || is_binary(i) || (i->kind == FETCH_SECTION && !i->listed);
		f->sets_seen |= (i->kind == FETCH_SECTION || i->kind == FETCH_BINARY) && !i->peek;
		f->tells_flags |= i->kind == FETCH_FLAGS;
	}
	f->sets_seen = f->sets_seen && !f->session->view.folder.read_only;
}

/* --- one message ------------------------------------------------------------------ */

static bool
asks_for(const struct fetch *f, enum fetch_kind kind)
{
	for (const struct fetch_item *i = f->items; i != NULL; i = i->next)
		if (i->kind == kind)
			return true;
	return false;
}

/* Ready texts out of the index; else out of the file, which teaches it. What is too large to be kept comes out of the file each time. */
static bool
prepare_texts(struct fetch *f, struct message *m)
{
	struct session *s = f->session;
	struct folder *folder = &s->view.folder;
	f->has_texts = folder_message_texts(folder, m, &f->texts);
	if (f->has_texts)
		return true;
	if (!body_open(&s->body, folder, m))
		return false;
	f->has_texts = s->body.text.len == s->body.size && folder_message_learn(folder, m, s->body.text, &f->texts);
	errno = ENOMEM;
	return f->has_texts || body_tree(&s->body) != NULL;
}

static bool
binary_ready(const struct fetch *f)
{
	for (const struct fetch_item *i = f->items; i != NULL; i = i->next)
		if (is_binary(i) && !body_binary_ready(&f->session->body, &i->section))
			return false;
	return true;
}

static bool
note_trouble(struct fetch *f)
{
	if (errno == ENOENT)
		f->targets.gone = true;
	else
		f->trouble = errno;
	return false;
}

/* All that can fail, before the response is begun. */
static bool
prepare(struct fetch *f, struct message *m)
{
	struct session *s = f->session;
	struct folder *folder = &s->view.folder;
	time_t date;
	uint64_t size;
	/* What only the file says the file is opened for at once: it has the date too. */
	bool opens = f->needs_body || (f->needs_texts && m->facts == 0);
	bool ok = !opens || body_open(&s->body, folder, m);
	ok = ok && (!f->needs_structure || body_tree(&s->body) != NULL);
	ok = ok && (!f->needs_binary || binary_ready(f));
	ok = ok && (!asks_for(f, FETCH_SIZE) || folder_message_size(folder, m, &size));
	ok = ok && (!asks_for(f, FETCH_INTERNALDATE) || folder_message_date(folder, m, &date));
	return ok || note_trouble(f);
}

/* True when the flags are to be told because reading has changed them. */
static bool
mark_seen(struct fetch *f, struct message *m)
{
	struct view *v = &f->session->view;
	if (!f->sets_seen || m->flags & FLAG_SEEN)
		return false;
	return folder_set_flags(&v->folder, m, FLAGS_ADD, FLAG_SEEN, 0) && !f->tells_flags;
}

/* With what has changed, and with what was asked for because it has. */
static bool
tells_modseq(const struct fetch *f, bool tell_flags)
{
	const struct session *s = f->session;
	bool wanted = f->modifiers.changed || (s->dialect.condstore && (tell_flags || f->tells_flags));
	return wanted && condstore_possible(s) && !asks_for(f, FETCH_MODSEQ);
}

/* A changed message is named by its UID after ENABLE QRESYNC or IMAP4rev2 (RFC 7162 section 3.2.4, RFC 9051 appendix E). */
static bool
tells_uid(const struct fetch *f, bool tell_flags)
{
	const struct session *s = f->session;
	bool wanted = s->by_uid || ((s->dialect.qresync || s->dialect.rev2) && (tell_flags || f->tells_flags));
	return wanted && !asks_for(f, FETCH_UID);
}

static void
fetch_message(struct fetch *f, struct message *m, size_t index)
{
	struct output *out = &f->session->out;
	errno = ENOMEM; /* for what fails without one */
	if (!prepare(f, m))
		return;
	bool tell_flags = mark_seen(f, m);
	/* Last: they are good until the folder is asked for something else. */
	if (f->needs_texts && !prepare_texts(f, m)) {
		note_trouble(f);
		return;
	}
	view_begin_fetch(&f->session->view, out, &f->session->dialect, index, tells_uid(f, tell_flags));
	for (const struct fetch_item *i = f->items; i != NULL; i = i->next) {
		fetch_write_item(f, m, i);
		output_text(out, i->next != NULL ? " " : "");
	}
	if (tell_flags) {
		output_text(out, " ");
		fetch_write_flags(f, m);
	}
	if (tells_modseq(f, tell_flags)) {
		output_text(out, " ");
		condstore_write(out, m);
	}
	output_text(out, ")\r\n");
}

/* --- the command ------------------------------------------------------------------ */

static bool
parse(struct parser *p, struct fetch *f)
{
	return parse_space(p) && parse_fetch_items(p, &f->items) && parse_fetch_modifiers(p, &f->modifiers) && parse_end(p);
}

/* NULL: it may be. */
static const char *
find_mistake(const struct fetch *f)
{
	const struct session *s = f->session;
	if (f->modifiers.vanished && !(s->by_uid && s->dialect.qresync && f->modifiers.changed))
		return "VANISHED is for UID FETCH with CHANGEDSINCE, and QRESYNC must be enabled";
	if (f->modifiers.partial && !s->by_uid)
		return "PARTIAL is for UID FETCH";
	return NULL;
}

/* What depends on mod-sequences, before the first message. False: *answer says why. */
static bool
begin_modseq(struct fetch *f, struct answer *answer)
{
	struct session *s = f->session;
	struct vanished_since since = {.modseq = f->modifiers.modseq, .known = f->targets.set};
	if (!f->modifiers.changed && !asks_for(f, FETCH_MODSEQ))
		return true;
	*answer = condstore_impossible();
	if (!condstore_possible(s))
		return false;
	condstore_begin(s);
	if (!f->modifiers.vanished)
		return true;
	errno = ENOMEM;
	bool ok = vanished_tell_earlier(&s->out, &s->view, &since);
	*answer = answer_errno("remember what is gone");
	return ok;
}

/* The next message that is to be told of. */
static struct message *
next_wanted(struct fetch *f, size_t *index)
{
	struct message *m = targets_next(f->session, &f->targets, index);
	while (m != NULL && f->modifiers.changed && !condstore_is_newer(m, f->modifiers.modseq))
		m = targets_next(f->session, &f->targets, index);
	return m;
}

static size_t
count_wanted(struct fetch f)
{
	size_t index, count = 0;
	while (next_wanted(&f, &index) != NULL)
		count++;
	return count;
}

static void
fetch_all(struct fetch *f)
{
	size_t index, from = 0, to = SIZE_MAX;
	if (f->modifiers.partial)
		partial_of_count(&f->modifiers.part, count_wanted(*f), &from, &to);
	for (size_t i = 0; i < to && !f->session->out.failed; i++) {
		struct message *m = next_wanted(f, &index);
		if (m == NULL)
			return;
		if (i >= from)
			fetch_message(f, m, index);
	}
}

void
fetch_tell(struct session *s, struct fetch_item *items, size_t from)
{
	struct fetch f = {.session = s, .items = items};
	bool by_uid = s->by_uid;
	s->by_uid = true;
	look_over_items(&f);
	f.sets_seen = false;
	for (size_t i = from; i < s->view.announced && !s->out.failed; i++)
		if (!s->view.folder.messages[i].vanished)
			fetch_message(&f, &s->view.folder.messages[i], i);
	s->by_uid = by_uid;
}

static struct answer
conclude(const struct fetch *f)
{
	if (f->trouble == ENOTSUP)
		return answer_no("UNKNOWN-CTE", "a part has a content transfer encoding that is not known here");
	if (f->trouble != 0) {
		errno = f->trouble;
		return answer_errno("read a message");
	}
	if (f->targets.gone)
		return answer_ok_code("EXPUNGEISSUED", "some of the messages are gone");
	return answer_ok("done");
}

struct answer
cmd_fetch(struct session *s, struct parser *p)
{
	struct fetch f = {.session = s};
	struct answer answer;
	if (!targets_parse(s, p, &f.targets, &answer))
		return answer;
	if (!parse(p, &f))
		return answer_bad(p->error);
	const char *mistake = find_mistake(&f);
	if (mistake != NULL)
		return answer_bad(mistake);
	if (!targets_resolve(s, &f.targets))
		return answer_bad("there is no such message");
	look_over_items(&f);
	if (!begin_modseq(&f, &answer))
		return answer;
	fetch_all(&f);
	body_binary_done();
	return conclude(&f);
}
