#include "queue/bounce.h"

#include "lib/base/ascii.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/mail/date.h"

/*
 * Tens of thousands of recipients may have failed. So much is said of them, to
 * people and to programs; the rest is counted.
 */
#define PEOPLE_MOST   (1u << 20)
#define PROGRAMS_MOST (4u << 20)

static bool
is_reported(const struct file_recipient *r)
{
	return r->status == RECIPIENT_FAILED && !r->expanded;
}

static void
add_line(struct str *s, const char *name, struct slice value)
{
	str_append_text(s, name);
	str_append_slice(s, value);
	str_append_text(s, "\r\n");
}

static void
add_date(struct str *s, const char *name, int64_t when)
{
	str_append_text(s, name);
	date_print(s, date_local(when));
	str_append_text(s, "\r\n");
}

static void
add_head(struct str *s, const struct bounce *b, const char *boundary)
{
	char unique[17];
	random_letters(unique, 16);
	add_date(s, "Date: ", clock_unix());
	str_append_format(s, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", b->hostname);
	str_append_text(s, "To: <");
	str_append_slice(s, b->to);
	str_append_text(s, ">\r\n");
	str_append_text(s, b->to_postmaster ? "Subject: Undeliverable bounce\r\n" : "Subject: Undelivered mail returned to sender\r\n");
	str_append_format(s, "Message-ID: <%s@%s>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n", unique, b->hostname);
	str_append_format(s, "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n", boundary);
	str_append_text(s, "Content-Transfer-Encoding: 8bit\r\n\r\n");
}

static void
add_for_people(struct str *s, const struct bounce *b, const char *id)
{
	str_append_text(s, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
	str_append_format(s, "This is the mail system of %s.\r\n\r\n", b->hostname);
	if (b->to_postmaster)
		str_append_text(s, "A message without a sender, most likely a bounce, could not be delivered to\r\n");
	else
		str_append_text(s, "Your message could not be delivered to the following recipients. It will not\r\n"
				   "be tried again. What has happened is said below each address.\r\n");
	size_t unnamed = 0;
	for (size_t i = 0; i < b->file->count; i++) {
		const struct file_recipient *r = &b->file->recipients[i];
		if (!is_reported(r))
			continue;
		if (s->len > PEOPLE_MOST) {
			unnamed++;
			continue;
		}
		add_line(s, "\r\n  ", r->address);
		str_append_text(s, "    ");
		str_append_slice(s, r->code);
		add_line(s, " ", r->text);
	}
	if (unnamed > 0)
		str_append_format(s, "\r\nand %zu further recipients.\r\n", unnamed);
	str_append_format(s, "\r\nThe queue id of your message was %s.\r\n", id);
}

/* What a client gave as xtext (RFC 3461 section 4), decoded; what it would make of the line's end stays encoded. */
static void
add_decoded(struct str *s, struct slice xtext)
{
	for (size_t i = 0; i < xtext.len; i++) {
		bool coded = xtext.data[i] == '+' && xtext.len - i > 2;
		int high = coded ? ascii_hex_upper(xtext.data[i + 1]) : -1, low = coded ? ascii_hex_upper(xtext.data[i + 2]) : -1;
		int byte = 16 * high + low;
		if (high < 0 || low < 0 || byte < ' ' || byte > '~') {
			str_append_byte(s, xtext.data[i]);
			continue;
		}
		str_append_byte(s, (char)byte);
		i += 2;
	}
}

/* "rfc822;xtext" as the client gave it; false when it gave none. */
static bool
add_orcpt(struct str *s, const struct file_recipient *original)
{
	struct slice orcpt;
	if (!queue_file_recipient_key(original, "orcpt", &orcpt) || slice_find(orcpt, ';') == orcpt.len)
		return false;
	size_t type = slice_find(orcpt, ';');
	str_append_text(s, "Original-Recipient: ");
	str_append_slice(s, slice_first(orcpt, type));
	str_append_text(s, "; ");
	add_decoded(s, slice_from(orcpt, type + 1));
	str_append_text(s, "\r\n");
	return true;
}

static void
add_envelope_id(struct str *s, const struct queue_file *f)
{
	struct slice envid;
	if (!queue_file_with(f, "envid", &envid) || envid.len == 0)
		return;
	str_append_text(s, "Original-Envelope-Id: ");
	add_decoded(s, envid);
	str_append_text(s, "\r\n");
}

static void
add_recipient_status(struct str *s, const struct queue_file *f, const struct file_recipient *r)
{
	const struct file_recipient *original = queue_file_original(f, r);
	str_append_text(s, "\r\n");
	if (!add_orcpt(s, original) && original != r)
		add_line(s, "Original-Recipient: rfc822; ", original->address);
	add_line(s, "Final-Recipient: rfc822; ", r->address);
	str_append_text(s, "Action: failed\r\n");
	add_line(s, "Status: ", r->code.len > 0 ? r->code : slice_of("5.0.0"));
	if (r->text.len > 0)
		add_line(s, "Diagnostic-Code: x-postern; ", r->text);
}

static void
add_delivery_status(struct str *s, const struct bounce *b, const char *id)
{
	str_append_text(s, "Content-Type: message/delivery-status\r\n\r\n");
	str_append_format(s, "Reporting-MTA: dns; %s\r\nX-Postern-Queue-Id: %s\r\n", b->hostname, id);
	add_envelope_id(s, b->file);
	add_date(s, "Arrival-Date: ", (int64_t)(b->file->arrival / 1000000));
	for (size_t i = 0; i < b->file->count; i++)
		if (is_reported(&b->file->recipients[i]) && s->len < PROGRAMS_MOST)
			add_recipient_status(s, b->file, &b->file->recipients[i]);
}

bool
bounce_compose(struct str *into, const struct bounce *b)
{
	char boundary[33], id[ID_LETTERS + 1];
	random_letters(boundary, 32);
	id_print(b->file->id, id);
	add_head(into, b, boundary);
	str_append_format(into, "--%s\r\n", boundary);
	add_for_people(into, b, id);
	str_append_format(into, "\r\n--%s\r\n", boundary);
	add_delivery_status(into, b, id);
	str_append_format(into, "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", boundary);
	str_append_slice(into, b->headers);
	str_append_format(into, "\r\n--%s--\r\n", boundary);
	return !into->failed;
}
