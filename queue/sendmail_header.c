#include "queue/sendmail_header.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/random.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/list.h"

#define WORD_BYTES 42 /* of text in one encoded word: 75 characters at most (RFC 2047 section 2) */

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

static bool
is_one_of(struct slice name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (slice_is_nocase(name, *names))
			return true;
	return false;
}

static bool
is_resent(struct slice header)
{
	struct header_reader reader;
	struct header_field f;
	header_begin(&reader, header);
	while (header_next(&reader, &f))
		if (slice_starts_nocase(f.name, "Resent-"))
			return true;
	return false;
}

bool
recipients_from_header(struct recipients *r, struct slice message, const char *hostname, struct str *wrong)
{
	static const char *const own[] = {"To", "Cc", "Bcc", NULL};
	static const char *const resent[] = {"Resent-To", "Resent-Cc", "Resent-Bcc", NULL};
	const char *const *names = is_resent(message) ? resent : own;
	struct header_reader reader;
	struct header_field f;
	header_begin(&reader, message);
	while (header_next(&reader, &f))
		if (is_one_of(f.name, names) && !recipients_add(r, f.value, hostname, wrong))
			return false;
	return true;
}

bool
header_measure(struct slice message, size_t *length, size_t *body)
{
	struct header_reader reader;
	struct header_field f;
	*length = 0;
	header_begin(&reader, message);
	while (header_next(&reader, &f)) {
		bool mbox = f.start == 0 && slice_starts(message, "From ");
		if (f.name.len == 0 && !mbox) {
			/* The body began without an empty line. */
			*body = f.start;
			return true;
		}
		*length = f.end;
	}
	*body = header_body(&reader);
	return !reader.over;
}

static void
add_received(struct str *into, const struct writer *w)
{
	str_append_format(into, "Received: by %s (Postern, from uid %u)", w->hostname, w->uid);
	if (w->protocol != NULL)
		str_append_format(into, " with %s", w->protocol);
	str_append_format(into, "\r\n\tid %s; ", w->queue_id);
	date_print(into, date_local(clock_unix()));
	str_append_text(into, "\r\n");
}

/* --- what is missing ------------------------------------------------------------------------ */

static void
add_date(struct str *into, const char *prefix)
{
	str_append_format(into, "%sDate: ", prefix);
	date_print(into, date_local(clock_unix()));
	str_append_text(into, "\r\n");
}

/* A name as a quoted string, or, when it is not ASCII, as encoded words (RFC 2047) of whole characters. */
static void
add_name(struct str *into, struct slice name)
{
	if (address_is_ascii(name)) {
		str_append_byte(into, '"');
		for (size_t i = 0; i < name.len; i++) {
			if (name.data[i] == '"' || name.data[i] == '\\')
				str_append_byte(into, '\\');
			if (name.data[i] >= ' ' && name.data[i] != 0x7f)
				str_append_byte(into, name.data[i]);
		}
		str_append_text(into, "\" ");
		return;
	}
	while (name.len > 0) {
		size_t len = name.len < WORD_BYTES ? name.len : WORD_BYTES;
		while (len > 1 && !address_is_utf8(slice_first(name, len)))
			len--;
		str_append_text(into, "=?UTF-8?B?");
		base64_encode(into, slice_first(name, len));
		str_append_text(into, "?=\r\n ");
		name = slice_from(name, len);
	}
}

static void
add_from(struct str *into, const struct writer *w, const char *prefix)
{
	struct slice name = slice_of(w->full_name);
	str_append_format(into, "%sFrom: ", prefix);
	if (name.len > 0 && address_is_utf8(name))
		add_name(into, name);
	str_append_byte(into, '<');
	if (w->sender.len > 0)
		str_append_slice(into, w->sender);
	else
		str_append_format(into, "MAILER-DAEMON@%s", w->hostname);
	str_append_text(into, ">\r\n");
}

static void
add_id(struct str *into, const struct writer *w, const char *prefix)
{
	char unique[9];
	random_letters(unique, 8);
	str_append_format(into, "%sMessage-ID: <%s.%s@%s>\r\n", prefix, w->queue_id, unique, w->hostname);
}

static bool
lacks(struct slice header, const char *prefix, const char *name)
{
	char full[32];
	struct header_field f;
	snprintf(full, sizeof full, "%s%s", prefix, name);
	return !header_find(header, full, &f);
}

static void
add_missing(struct str *into, struct slice header, const struct writer *w, const char *prefix)
{
	if (lacks(header, prefix, "Date"))
		add_date(into, prefix);
	if (lacks(header, prefix, "From"))
		add_from(into, w, prefix);
	if (lacks(header, prefix, "Message-ID"))
		add_id(into, w, prefix);
}

/* --- all of it ------------------------------------------------------------------------------- */

bool
header_write(struct str *into, struct slice header, const struct writer *w)
{
	static const char *const dropped[] = {"Bcc", "Resent-Bcc", "Return-Path", NULL};
	struct header_reader reader;
	struct header_field f;
	add_received(into, w);
	if (w->complete && is_resent(header))
		add_missing(into, header, w, "Resent-");
	header_begin(&reader, header);
	while (header_next(&reader, &f))
		if (f.name.len > 0 && !is_one_of(f.name, dropped))
			str_append(into, header.data + f.start, f.end - f.start);
	if (w->complete)
		add_missing(into, header, w, "");
	str_append_text(into, "\r\n");
	return !into->failed;
}
