/* ENVELOPE: RFC 3501 section 7.4.2. */
#include "lib/mail/imap_reply.h"

#include "lib/mail/list.h"

enum { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID, FIELDS };

static const char *const names[FIELDS] = {
	"Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "In-Reply-To", "Message-ID",
};

/* What stands for a part of an address that is not there: NIL would mean a group. */
static const char missing[] = "MISSING";

static struct slice
or_nil(struct slice text)
{
	return text.len > 0 ? text : slice_make(NULL, 0);
}

static struct slice
or_missing(struct slice text)
{
	return text.len > 0 ? text : slice_of(missing);
}

static void
write_address(struct output *out, struct slice name, struct slice route, struct slice local, struct slice domain)
{
	output_text(out, "(");
	reply_nstring(out, name);
	output_text(out, " ");
	reply_nstring(out, route);
	output_text(out, " ");
	reply_nstring(out, local);
	output_text(out, " ");
	reply_nstring(out, domain);
	output_text(out, ")");
}

static void
write_mailbox(struct output *out, const struct mailbox *m)
{
	const struct slice nil = slice_make(NULL, 0);
	switch (m->kind) {
	case MAILBOX_ADDRESS:
		write_address(out, or_nil(m->name), or_nil(m->route), or_missing(m->local), or_missing(m->domain));
		return;
	case MAILBOX_GROUP_START:
		write_address(out, nil, nil, or_missing(m->name), nil);
		return;
	case MAILBOX_GROUP_END:
		write_address(out, nil, nil, nil, nil);
		return;
	case MAILBOX_BROKEN:
		write_address(out, nil, nil, or_missing(m->name), slice_of(missing));
		return;
	}
}

/* False when there is no address in it; nothing is written then. */
static bool
write_list(struct output *out, struct slice value)
{
	struct mailbox_list list;
	struct mailbox m;
	bool any = false;
	if (value.data == NULL)
		return false;
	mailbox_list_begin(&list, value);
	while (mailbox_list_next(&list, &m)) {
		output_text(out, any ? "" : "(");
		any = true;
		write_mailbox(out, &m);
	}
	reply_incomplete(out, list.failed);
	mailbox_list_end(&list);
	output_text(out, any ? ")" : "");
	return any;
}

void
reply_envelope(struct output *out, struct slice message)
{
	struct slice values[FIELDS] = {{NULL, 0}};
	header_find_each(message, names, FIELDS, values);
	output_text(out, "(");
	for (size_t i = 0; i < FIELDS; i++) {
		output_text(out, i > 0 ? " " : "");
		if (i < FROM || i > BCC) {
			reply_header_value(out, values[i]);
			continue;
		}
		bool like_from = i == SENDER || i == REPLY_TO;
		if (!write_list(out, values[i]) && !(like_from && write_list(out, values[FROM])))
			output_text(out, "NIL");
	}
	output_text(out, ")");
}
