#include "queue/sendmail_header.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/list.h"

static bool
add_mailbox(struct recipients *r, const struct mailbox *m, const char *hostname, struct str *wrong)
{
	struct str text = STR_MOST(2 * ADDRESS_PATH_MOST + 512);
	struct address a;
	struct slice domain = m->domain.len > 0 ? m->domain : slice_of(hostname);
	bool ok = m->kind == MAILBOX_ADDRESS && address_print(&text, m->local, domain);
	enum address_result result = ok ? address_parse(str_slice(&text), ADDRESS_UTF8, &a) : ADDRESS_WRONG;
	ok = result == ADDRESS_OK || result == ADDRESS_LOCAL_LONG;
	if (ok)
		ok = str_append(&r->texts, a.text, a.text_len + 1);
	else
		str_set(wrong, text.len > 0 ? str_slice(&text) : m->name);
	r->count += ok ? 1 : 0;
	str_free(&text);
	return ok;
}

bool
recipients_add(struct recipients *r, struct slice text, const char *hostname, struct str *wrong)
{
	struct mailbox_list list;
	struct mailbox m;
	bool ok = true;
	mailbox_list_begin(&list, text);
	while (ok && mailbox_list_next(&list, &m))
		if (m.kind == MAILBOX_ADDRESS || m.kind == MAILBOX_BROKEN)
			ok = r->count < RECIPIENTS_MOST && add_mailbox(r, &m, hostname, wrong);
	ok = ok && !list.failed;
	mailbox_list_end(&list);
	return ok;
}

bool
recipients_from_header(struct recipients *r, struct slice message, const char *hostname, struct str *wrong)
{
	struct header_reader reader;
	struct header_field f;
	header_begin(&reader, message);
	while (header_next(&reader, &f))
		if (slice_is_nocase(f.name, "To") || slice_is_nocase(f.name, "Cc") || slice_is_nocase(f.name, "Bcc"))
			if (!recipients_add(r, f.value, hostname, wrong))
				return false;
	return true;
}

size_t
header_length(struct slice message, size_t *body)
{
	struct header_reader reader;
	struct header_field f;
	size_t end = 0;
	header_begin(&reader, message);
	while (header_next(&reader, &f)) {
		bool mbox = f.start == 0 && slice_starts(message, "From ");
		if (f.name.len == 0 && !mbox) {
			/* The body began without an empty line. */
			*body = f.start;
			return end;
		}
		end = f.end;
	}
	*body = header_body(&reader);
	return end;
}

static void
add_received(struct str *into, const struct writer *w)
{
	str_append_format(into, "Received: by %s (Postern, from uid %u)\r\n\tid %s; ", w->hostname, w->uid, w->queue_id);
	date_print(into, date_local(clock_unix()));
	str_append_text(into, "\r\n");
}

static void
add_from(struct str *into, const struct writer *w)
{
	struct slice sender = w->sender;
	str_append_text(into, "From: ");
	if (w->full_name[0] != '\0') {
		str_append_byte(into, '"');
		for (const char *c = w->full_name; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				str_append_byte(into, '\\');
			if ((unsigned char)*c >= ' ' && *c != 0x7f)
				str_append_byte(into, *c);
		}
		str_append_text(into, "\" ");
	}
	str_append_byte(into, '<');
	str_append_slice(into, sender.len > 0 ? sender : slice_of("MAILER-DAEMON"));
	str_append_text(into, ">\r\n");
}

static void
add_missing(struct str *into, struct slice header, const struct writer *w)
{
	struct header_field f;
	if (!header_find(header, "Date", &f)) {
		str_append_text(into, "Date: ");
		date_print(into, date_local(clock_unix()));
		str_append_text(into, "\r\n");
	}
	if (!header_find(header, "From", &f))
		add_from(into, w);
	if (!header_find(header, "Message-ID", &f)) {
		char unique[9];
		random_letters(unique, 8);
		str_append_format(into, "Message-ID: <%s.%s@%s>\r\n", w->queue_id, unique, w->hostname);
	}
}

bool
header_write(struct str *into, struct slice header, const struct writer *w)
{
	struct header_reader reader;
	struct header_field f;
	add_received(into, w);
	header_begin(&reader, header);
	while (header_next(&reader, &f)) {
		bool drop = f.name.len == 0 || (w->drop_bcc && slice_is_nocase(f.name, "Bcc")) ||
		    slice_is_nocase(f.name, "Return-Path");
		if (!drop)
			str_append(into, header.data + f.start, f.end - f.start);
	}
	add_missing(into, header, w);
	str_append_text(into, "\r\n");
	return !into->failed;
}
