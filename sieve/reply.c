/* The answer of vacation as a message (RFC 5230 section 5, RFC 3834 section 3). */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/host.h"
#include "lib/base/random.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded.h"
#include "lib/mail/header.h"
#include "lib/mail/list.h"
#include "sieve/vacation.h"

#define SUBJECT_MOST    400  /* bytes */
#define ID_MOST         250  /* bytes of one message id */
#define REFERENCES_MOST 2000 /* bytes of a message's references that are looked at */

bool
sieve_reply_from(struct slice text, struct str *name, struct str *address)
{
	struct mailbox_list list;
	struct mailbox m;
	struct address parsed;
	size_t count = 0;
	bool ok = true;
	mailbox_list_begin(&list, text);
	while (mailbox_list_next(&list, &m)) {
		count++;
		ok = ok && m.kind == MAILBOX_ADDRESS && str_append_slice(name, m.name) && address_print(address, m.local, m.domain);
	}
	mailbox_list_end(&list);
	return ok && count == 1 && address_parse(str_slice(address), ADDRESS_UTF8, &parsed) == ADDRESS_OK;
}

/* Text that may stand in a field: no control byte, cut between two characters. */
static void
append_clean(struct str *into, struct slice text)
{
	if (text.len > SUBJECT_MOST) {
		size_t len = SUBJECT_MOST;
		while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
			len--;
		text = slice_first(text, len);
	}
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		str_append_byte(into, byte < ' ' || byte == 0x7f ? ' ' : (char)byte);
	}
}

/* --- fields ------------------------------------------------------------------------------------------- */

static void
add_from(struct str *into, const struct sieve_said *said, struct slice own)
{
	struct str name = STR_MOST(1000), address = STR_MOST(1000), clean = STR_MOST(1000);
	str_append_text(into, "From:");
	if (said->from.data != NULL && sieve_reply_from(said->from, &name, &address))
		append_clean(&clean, str_slice(&name));
	if (clean.len > 0)
		encoded_phrase(into, strlen("From:"), str_slice(&clean));
	str_append_text(into, " <");
	str_append_slice(into, said->from.data != NULL ? str_slice(&address) : own);
	str_append_text(into, ">\r\n");
	str_free(&name);
	str_free(&address);
	str_free(&clean);
}

/* The first field of that name as text; empty when there is none. */
static struct slice
field_text(struct sieve_run *r, const char *name)
{
	size_t at = sieve_message_find(r->message, slice_of(name), 0);
	struct slice text = slice_of("");
	if (at < r->message->count && !sieve_message_text(&r->message->fields[at], r->memory, &text))
		text = slice_of("");
	return text;
}

static void
add_subject(struct str *into, struct sieve_run *r, const struct sieve_said *said)
{
	struct str subject = STR_MOST(SUBJECT_MOST + 100);
	struct slice text = field_text(r, "Subject");
	if (said->subject.data != NULL) {
		append_clean(&subject, said->subject);
	} else {
		str_append_text(&subject, text.len > 0 ? "Auto: " : "Automatic answer");
		append_clean(&subject, text);
	}
	str_append_text(into, "Subject:");
	encoded_unstructured(into, strlen("Subject:"), str_slice(&subject));
	str_append_text(into, "\r\n");
	str_free(&subject);
}

static bool
is_id_byte(int byte)
{
	return byte > ' ' && byte < 0x7f && byte != '<' && byte != '>';
}

/* The next "<...>" of a list of message ids. */
static bool
take_id(struct cursor *c, struct slice *id)
{
	while (!cursor_at_end(c)) {
		struct slice start = c->rest;
		if (!cursor_take(c, '<')) {
			cursor_next(c);
			continue;
		}
		struct slice inner = cursor_take_while(c, is_id_byte);
		if (inner.len == 0 || inner.len > ID_MOST || !cursor_take(c, '>'))
			continue;
		*id = slice_first(start, inner.len + 2);
		return true;
	}
	return false;
}

/* In-Reply-To and References (RFC 5322 section 3.6.4). */
static void
add_references(struct str *into, struct sieve_run *r)
{
	struct slice id, other;
	struct cursor own = cursor_over(field_text(r, "Message-ID"));
	struct slice before = field_text(r, "References");
	if (!take_id(&own, &id))
		return;
	if (before.len == 0)
		before = field_text(r, "In-Reply-To");
	str_append_format(into, "In-Reply-To: %.*s\r\nReferences:", (int)id.len, id.data);
	struct cursor c = cursor_over(before.len > REFERENCES_MOST ? slice_from(before, before.len - REFERENCES_MOST) : before);
	while (take_id(&c, &other))
		if (!slice_equal(other, id))
			str_append_format(into, " %.*s\r\n", (int)other.len, other.data);
	str_append_format(into, " %.*s\r\n", (int)id.len, id.data);
}

static void
add_fields(struct str *into, struct sieve_run *r, const struct sieve_call *call, struct slice own)
{
	char id[25];
	random_letters(id, sizeof id - 1);
	add_from(into, &call->said, own);
	str_append_text(into, "To: <");
	str_append_slice(into, r->message->sender);
	str_append_text(into, ">\r\n");
	add_subject(into, r, &call->said);
	str_append_text(into, "Date: ");
	date_print(into, date_local(clock_unix()));
	str_append_format(into, "\r\nMessage-ID: <%s@%s>\r\n", id, host_name());
	add_references(into, r);
	str_append_text(into, "Auto-Submitted: auto-replied (vacation)\r\n");
}

/* --- the text --------------------------------------------------------------------------------------------- */

/* Lines of the script end in LF. */
static void
append_lines(struct str *into, struct slice text)
{
	struct slice line;
	while (slice_split(&text, '\n', &line)) {
		str_append_slice(into, line);
		str_append_text(into, "\r\n");
	}
}

static bool
has_field(struct slice entity, const char *name)
{
	struct header_field f;
	return header_find(entity, name, &f);
}

static void
add_entity(struct str *into, struct slice entity)
{
	if (!has_field(entity, "MIME-Version"))
		str_append_text(into, "MIME-Version: 1.0\r\n");
	append_lines(into, entity);
}

static void
add_plain(struct str *into, struct slice reason)
{
	struct str lines = STR_MOST(VACATION_ANSWER_MOST);
	append_lines(&lines, reason);
	bool plain = address_is_ascii(str_slice(&lines)) && text_is_lines(str_slice(&lines));
	str_append_text(into, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ");
	str_append_text(into, plain ? "7bit\r\n\r\n" : "quoted-printable\r\n\r\n");
	if (plain)
		str_append_slice(into, str_slice(&lines));
	else
		quoted_printable_encode(into, str_slice(&lines));
	into->failed = into->failed || lines.failed;
	str_free(&lines);
}

bool
sieve_reply_compose(struct str *into, struct sieve_run *r, const struct sieve_call *call, struct slice own)
{
	add_fields(into, r, call, own);
	if (call->said.mime)
		add_entity(into, call->said.first.items[0]);
	else
		add_plain(into, call->said.first.items[0]);
	return !into->failed;
}
