/* The items of a FETCH response. */
#include "imapd/fetch.h"

#include "imapd/condstore.h"
#include "imapd/flags.h"
#include "imapd/objectid.h"
#include "imapd/preview.h"
#include "lib/mail/date.h"
#include "lib/mail/imap_reply.h"

void
fetch_write_flags(struct fetch *f, struct message *m)
{
	struct output *out = &f->session->out;
	output_text(out, "FLAGS (");
	flags_write(out, &f->session->dialect, &f->session->view.folder, m);
	output_text(out, ")");
	m->changed = false;
}

static void
write_time(struct output *out, const char *label, time_t when)
{
	struct str text = STR_MOST(64);
	date_print_imap(&text, date_local(when));
	output_text(out, label);
	output_text(out, " \"");
	output_slice(out, str_slice(&text));
	output_text(out, "\"");
	str_free(&text);
}

static void
write_date(struct fetch *f, struct message *m)
{
	time_t when = 0;
	folder_message_date(&f->session->view.folder, m, &when);
	write_time(&f->session->out, "INTERNALDATE", when);
}

/* RFC 8514: NIL where the name of the file does not say. */
static void
write_save_date(struct fetch *f, const struct message *m)
{
	time_t when;
	if (folder_message_save_date(m, &when))
		write_time(&f->session->out, "SAVEDATE", when);
	else
		output_text(&f->session->out, "SAVEDATE NIL");
}

static void
write_size(struct fetch *f, struct message *m)
{
	uint64_t size = 0;
	folder_message_size(&f->session->view.folder, m, &size);
	output_text(&f->session->out, "RFC822.SIZE ");
	output_number(&f->session->out, size);
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
write_binary(struct fetch *f, const struct fetch_item *item)
{
	struct output *out = &f->session->out;
	output_text(out, item->kind == FETCH_BINARY ? "BINARY[" : "BINARY.SIZE[");
	output_slice(out, item->section.part);
	output_text(out, "]");
	if (item->partial)
		output_format(out, "<%u>", item->offset);
	output_text(out, " ");
	if (item->kind == FETCH_BINARY)
		body_write_binary(&f->session->body, out, item);
	else
		output_format(out, "%llu", (unsigned long long)body_binary_size(&f->session->body, &item->section));
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
write_emailid(struct fetch *f, const struct message *m)
{
	char id[OBJECTID_MOST + 1];
	objectid_message(m, id);
	output_format(&f->session->out, "EMAILID (%s)", id);
}

static void
write_threadid(struct fetch *f, const struct message *m)
{
	char id[OBJECTID_MOST + 1];
	struct slice text = f->session->body.text;
	objectid_thread(m, f->has_texts ? f->texts.header : slice_first(text, header_end(text)), id);
	output_format(&f->session->out, "THREADID (%s)", id);
}

/*
 * RFC 8970 section 3.2: an empty one says that there is nothing to show. NIL,
 * that it cannot be had now, is for LAZY alone: ours costs no more than the
 * message's text, so it is so where memory is short and nowhere else.
 */
static void
write_preview(struct fetch *f, bool lazy)
{
	struct str text = STR_MOST(PREVIEW_BYTES);
	output_text(&f->session->out, "PREVIEW ");
	bool ok = preview_make(&f->session->body, &text);
	reply_nstring(&f->session->out, ok ? str_slice(&text) : slice_make(lazy ? NULL : "", 0));
	str_free(&text);
}

void
fetch_write_item(struct fetch *f, struct message *m, const struct fetch_item *item)
{
	switch (item->kind) {
	case FETCH_FLAGS:
		fetch_write_flags(f, m);
		return;
	case FETCH_UID:
		output_text(&f->session->out, "UID ");
		output_number(&f->session->out, m->uid);
		return;
	case FETCH_INTERNALDATE:
		write_date(f, m);
		return;
	case FETCH_SIZE:
		write_size(f, m);
		return;
	case FETCH_MODSEQ:
		condstore_write(&f->session->out, m);
		return;
	case FETCH_SAVEDATE:
		write_save_date(f, m);
		return;
	case FETCH_EMAILID:
		write_emailid(f, m);
		return;
	case FETCH_THREADID:
		write_threadid(f, m);
		return;
	case FETCH_ENVELOPE:
		write_envelope(f);
		return;
	case FETCH_PREVIEW:
		write_preview(f, item->lazy);
		return;
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		write_structure(f, item->kind == FETCH_BODYSTRUCTURE);
		return;
	case FETCH_SECTION:
		write_section(f, item);
		return;
	case FETCH_BINARY:
	case FETCH_BINARY_SIZE:
		write_binary(f, item);
		return;
	}
}
