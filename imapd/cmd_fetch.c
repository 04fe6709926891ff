/* FETCH: RFC 3501 section 6.4.5. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/flags.h"
#include "imapd/parse_fetch.h"
#include "lib/mail/date.h"
#include "lib/mail/imap_reply.h"

struct fetch {
	struct session    *session;
	struct fetch_item *items;
	struct targets     targets;
	bool               needs_body;
	bool               needs_structure;
	bool               needs_texts;  /* what the index has ready */
	bool               sets_seen;
	bool               tells_flags;
	int                trouble; /* errno of a message that could not be read, or 0 */
	bool               has_texts;
	struct message_texts texts; /* of the message under way */
};

/* A few fields of the message's own header, all of which the index keeps. */
static bool
is_listed(const struct fetch_item *item)
{
	bool listed = item->kind == FETCH_SECTION && item->section.text == SECTION_FIELDS && item->section.part.len == 0;
	for (size_t i = 0; listed && i < item->section.count; i++)
		listed = folder_header_kept(item->section.names[i]);
	return listed;
}

static void
look_over_items(struct fetch *f)
{
	for (struct fetch_item *i = f->items; i != NULL; i = i->next) {
		i->listed = is_listed(i);
		f->needs_structure |= i->kind == FETCH_BODY;
		f->needs_texts |= i->kind == FETCH_ENVELOPE || i->kind == FETCH_BODYSTRUCTURE || i->listed;
		f->needs_body |= i->kind == FETCH_BODY || (i->kind == FETCH_SECTION && !i->listed);
		f->sets_seen |= i->kind == FETCH_SECTION && !i->peek;
		f->tells_flags |= i->kind == FETCH_FLAGS;
	}
	f->sets_seen = f->sets_seen && !f->session->view.folder.read_only;
}

/* --- the items ------------------------------------------------------------------- */

static void
write_flags(struct fetch *f, struct message *m)
{
	struct output *out = &f->session->out;
	output_text(out, "FLAGS (");
	flags_write(out, &f->session->view.folder, m);
	output_text(out, ")");
	m->changed = false;
}

static void
write_date(struct fetch *f, struct message *m)
{
	time_t when = 0;
	struct str text = STR_MOST(64);
	folder_message_date(&f->session->view.folder, m, &when);
	date_print_imap(&text, date_local(when));
	output_format(&f->session->out, "INTERNALDATE \"%s\"", str_text(&text));
	str_free(&text);
}

static void
write_size(struct fetch *f, struct message *m)
{
	uint64_t size = 0;
	folder_message_size(&f->session->view.folder, m, &size);
	output_format(&f->session->out, "RFC822.SIZE %llu", (unsigned long long)size);
}

static void
write_section_name(struct output *out, const struct section *section)
{
	static const char *const texts[] = {"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"};
	output_text(out, "BODY[");
	output_slice(out, section->part);
	if (section->part.len > 0 && section->text != SECTION_ALL)
		output_text(out, ".");
	output_text(out, texts[section->text]);
	for (size_t i = 0; i < section->count; i++) {
		output_text(out, i == 0 ? " (" : " ");
		reply_astring(out, section->names[i]);
	}
	output_text(out, section->count > 0 ? ")]" : "]");
}

static void
write_section(struct fetch *f, const struct fetch_item *item)
{
	struct output *out = &f->session->out;
	if (item->label != NULL)
		output_text(out, item->label);
	else
		write_section_name(out, &item->section);
	if (item->partial)
		output_format(out, "<%u>", item->offset);
	output_text(out, " ");
	struct body header = {.open = true, .fd = -1, .text = f->texts.header, .size = f->texts.header.len};
	body_write_section(item->listed && f->has_texts ? &header : &f->session->body, out, item);
}

static void
write_structure(struct fetch *f, bool extended)
{
	struct body *body = &f->session->body;
	output_text(&f->session->out, extended ? "BODYSTRUCTURE " : "BODY ");
	if (extended && f->has_texts)
		output_slice(&f->session->out, f->texts.structure);
	else
		reply_structure(&f->session->out, body_tree(body), 0, body->text, extended);
}

static void
write_envelope(struct fetch *f)
{
	struct slice text = f->session->body.text;
	output_text(&f->session->out, "ENVELOPE ");
	if (f->has_texts)
		output_slice(&f->session->out, f->texts.envelope);
	else
		reply_envelope(&f->session->out, slice_first(text, header_end(text)));
}

static void
write_item(struct fetch *f, struct message *m, const struct fetch_item *item)
{
	switch (item->kind) {
	case FETCH_FLAGS:
		write_flags(f, m);
		return;
	case FETCH_UID:
		output_format(&f->session->out, "UID %u", m->uid);
		return;
	case FETCH_INTERNALDATE:
		write_date(f, m);
		return;
	case FETCH_SIZE:
		write_size(f, m);
		return;
	case FETCH_ENVELOPE:
		write_envelope(f);
		return;
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		write_structure(f, item->kind == FETCH_BODYSTRUCTURE);
		return;
	case FETCH_SECTION:
		write_section(f, item);
		return;
	}
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
	bool ok = !f->needs_body || body_open(&s->body, folder, m);
	ok = ok && (!f->needs_structure || body_tree(&s->body) != NULL);
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
	output_format(out, "* %zu FETCH (", index + 1);
	if (f->session->by_uid && !asks_for(f, FETCH_UID))
		output_format(out, "UID %u ", m->uid);
	for (const struct fetch_item *i = f->items; i != NULL; i = i->next) {
		write_item(f, m, i);
		output_text(out, i->next != NULL ? " " : "");
	}
	if (tell_flags) {
		output_text(out, " ");
		write_flags(f, m);
	}
	output_text(out, ")\r\n");
}

struct answer
cmd_fetch(struct session *s, struct parser *p)
{
	struct fetch f = {.session = s};
	struct answer answer;
	size_t index;
	if (!targets_parse(s, p, &f.targets, &answer))
		return answer;
	if (!parse_space(p) || !parse_fetch_items(p, &f.items) || !parse_end(p))
		return answer_bad(p->error);
	if (!targets_resolve(s, &f.targets))
		return answer_bad("there is no such message");
	look_over_items(&f);
	for (struct message *m; !s->out.failed && (m = targets_next(s, &f.targets, &index)) != NULL;)
		fetch_message(&f, m, index);
	if (f.trouble != 0) {
		errno = f.trouble;
		return answer_errno("read a message");
	}
	if (f.targets.gone)
		return answer_ok_code("EXPUNGEISSUED", "some of the messages are gone");
	return answer_ok("done");
}
