/* What a script has written to the sender: the answer of vacation (RFC 5230 section 5, RFC 3834 section 3), and why reject refuses. */
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

static bool
add_mailbox(struct str *into, const struct mailbox *m, bool first)
{
	struct str name = STR_MOST(1000), address = STR_MOST(1000);
	struct address parsed;
	bool ok = m->kind == MAILBOX_ADDRESS && address_print(&address, m->local, m->domain) &&
	    address_parse(str_slice(&address), ADDRESS_UTF8, &parsed) == ADDRESS_OK;
	append_clean(&name, m->name);
	str_append_text(into, first ? "" : ",\r\n");
	if (name.len > 0)
		encoded_phrase(into, first ? strlen("From:") : 0, str_slice(&name));
	str_append_format(into, " <%s>", ok ? str_text(&address) : "");
	str_free(&name);
	str_free(&address);
	return ok;
}

size_t
sieve_reply_from(struct str *into, struct slice text)
{
	struct mailbox_list list;
	struct mailbox m;
	size_t count = 0;
	bool ok = true;
	mailbox_list_begin(&list, text);
	while (ok && mailbox_list_next(&list, &m)) {
		ok = count < VACATION_FROM_MOST && add_mailbox(into, &m, count == 0);
		count++;
	}
	mailbox_list_end(&list);
	return ok && !into->failed ? count : 0;
}

/* Several authors need one who sends (RFC 5322 section 3.6.2). */
static void
add_from(struct str *into, struct slice from, struct slice own)
{
	str_append_text(into, "From:");
	size_t count = from.data != NULL ? sieve_reply_from(into, from) : 0;
	if (count != 1)
		str_append_format(into, "%s <%.*s>", count == 0 ? "" : "\r\nSender:", (int)own.len, own.data);
	str_append_text(into, "\r\n");
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

/* What is said, or the message's own behind a word. */
static void
add_subject(struct str *into, struct sieve_run *r, struct slice said, const char *word, const char *alone)
{
	struct str subject = STR_MOST(SUBJECT_MOST + 100);
	struct slice text = field_text(r, "Subject");
	if (said.data == NULL)
		str_append_text(&subject, text.len > 0 ? word : alone);
	append_clean(&subject, said.data != NULL ? said : text);
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

static size_t
count_ids(struct slice text)
{
	struct cursor c = cursor_over(text);
	struct slice id;
	size_t count = 0;
	while (take_id(&c, &id))
		count++;
	return count;
}

/* What the message itself refers to; In-Reply-To where that is one message (RFC 5322 section 3.6.4). */
static struct slice
references_before(struct sieve_run *r)
{
	struct slice references = field_text(r, "References"), reply = field_text(r, "In-Reply-To");
	if (references.len > 0)
		return references;
	return count_ids(reply) == 1 ? reply : slice_of("");
}

/* The message's own id; false: it has none. */
static bool
own_id(struct sieve_run *r, struct slice *id)
{
	struct cursor own = cursor_over(field_text(r, "Message-ID"));
	return take_id(&own, id);
}

/* In-Reply-To and References (RFC 5322 section 3.6.4). */
static void
add_references(struct str *into, struct sieve_run *r)
{
	struct slice id, other, before = references_before(r);
	if (!own_id(r, &id))
		return;
	str_append_format(into, "In-Reply-To: %.*s\r\nReferences:", (int)id.len, id.data);
	struct cursor c = cursor_over(before.len > REFERENCES_MOST ? slice_from(before, before.len - REFERENCES_MOST) : before);
	while (take_id(&c, &other))
		if (!slice_equal(other, id))
			str_append_format(into, " %.*s\r\n", (int)other.len, other.data);
	str_append_format(into, " %.*s\r\n", (int)id.len, id.data);
}

static void
add_fields(struct str *into, struct sieve_run *r, const char *kind)
{
	char id[25];
	random_letters(id, sizeof id - 1);
	str_append_text(into, "To: <");
	str_append_slice(into, r->message->sender);
	str_append_text(into, ">\r\nDate: ");
	date_print(into, date_local(clock_unix()));
	str_append_format(into, "\r\nMessage-ID: <%s@%s>\r\n", id, host_name());
	add_references(into, r);
	str_append_format(into, "Auto-Submitted: auto-replied (%s)\r\n", kind);
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
	str_append_text(into, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ");
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
	const struct sieve_said *said = &call->said;
	add_from(into, said->from, own);
	add_subject(into, r, said->subject, "Auto: ", "Automatic answer");
	add_fields(into, r, "vacation");
	if (said->mime) {
		add_entity(into, said->first.items[0]);
	} else {
		str_append_text(into, "MIME-Version: 1.0\r\n");
		add_plain(into, said->first.items[0]);
	}
	return !into->failed;
}

/* --- the refusal ------------------------------------------------------------------------------------------ */

/* RFC 8098 section 3; with an address beyond ASCII as RFC 6533 section 4 has it. */
static void
add_disposition(struct str *into, struct sieve_run *r)
{
	struct slice recipient = r->message->recipient, id;
	bool ascii = address_is_ascii(recipient);
	str_append_format(into, "Content-Type: message/%sdisposition-notification\r\n%s\r\n", ascii ? "" : "global-",
	    ascii ? "" : "Content-Transfer-Encoding: 8bit\r\n");
	str_append_format(into, "Reporting-UA: %s; Postern\r\nFinal-Recipient: %s; %.*s\r\n", host_name(), ascii ? "rfc822" : "utf-8",
	    (int)recipient.len, recipient.data);
	if (own_id(r, &id))
		str_append_format(into, "Original-Message-ID: %.*s\r\n", (int)id.len, id.data);
	str_append_text(into, "Disposition: automatic-action/MDN-sent-automatically; deleted\r\n");
}

bool
sieve_reply_refuse(struct str *into, struct sieve_run *r, struct slice reason)
{
	char boundary[25];
	struct str text = STR_MOST(VACATION_ANSWER_MOST);
	random_letters(boundary, sizeof boundary - 1);
	add_from(into, slice_make(NULL, 0), r->message->recipient);
	add_subject(into, r, slice_make(NULL, 0), "Refused: ", "Refused");
	add_fields(into, r, "rejected");
	str_append_format(into, "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification;\r\n"
	    " boundary=%s\r\n\r\n--%s\r\n", boundary, boundary);
	str_append_text(&text, "Your message was refused by the recipient's mail filter. The reason given was:\n\n");
	str_append_slice(&text, reason);
	add_plain(into, str_slice(&text));
	str_append_format(into, "\r\n--%s\r\n", boundary);
	add_disposition(into, r);
	str_append_format(into, "\r\n--%s--\r\n", boundary);
	into->failed = into->failed || text.failed;
	str_free(&text);
	return !into->failed;
}
