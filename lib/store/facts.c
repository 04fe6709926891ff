#include "lib/store/facts.h"

#include "lib/base/stream.h"
#include "lib/mail/crlf.h"
#include "lib/mail/date.h"
#include "lib/mail/imap_reply.h"
#include "lib/store/folder.h"

#define PARTS_KEPT 64

/*
 * The fields that clients ask for when they list a folder, and that threads
 * are made of: what Thunderbird, Apple Mail, Outlook, mutt, alpine, Roundcube,
 * K-9 and mbsync name in their HEADER.FIELDS, and what RFC 5256 sorts and
 * threads by. In all fields of a name or none: then the answer is the file's.
 */
static const char *const kept[] = {
	"Auto-Submitted", "Bcc", "Cc", "Content-Description", "Content-Transfer-Encoding", "Content-Type", "Date",
	"Disposition-Notification-To", "From", "Importance", "In-Reply-To", "Lines", "List-Id", "List-Post",
	"List-Unsubscribe", "MIME-Version", "Mail-Followup-To", "Mail-Reply-To", "Message-ID", "Newsgroups", "Precedence",
	"Priority", "References", "Reply-To", "Return-Receipt-To", "Sender", "Subject", "To", "X-Confirm-Reading-To",
	"X-Draft-Info", "X-Label", "X-Mailer", "X-Msmail-Priority", "X-Priority", "X-Spam-Flag", "X-Spam-Status",
	"X-Universally-Unique-Identifier", "X-Uniform-Type-Identifier",
};

bool
folder_header_kept(struct slice name)
{
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (slice_is_nocase(name, kept[i]))
			return true;
	return false;
}

/* False: a budget was reached, so that this is not all. */
static bool
write_header(struct output *out, struct slice header, int64_t *sent)
{
	struct header_reader reader;
	struct header_field field;
	struct date date;
	bool dated = false;
	*sent = INT64_MIN;
	header_begin(&reader, header);
	while (header_next(&reader, &field)) {
		if (!folder_header_kept(field.name))
			continue;
		output_slice(out, slice_first(slice_from(header, field.start), field.end - field.start));
		if (dated || !slice_is_nocase(field.name, "Date"))
			continue;
		dated = true;
		if (date_parse(field.value, &date))
			*sent = date.when;
	}
	output_text(out, "\r\n");
	return !reader.over;
}

static bool
write_texts(struct output *out, struct str *into, struct slice message, const struct mime_tree *tree,
    struct facts_texts *made)
{
	struct slice header = slice_first(message, header_end(message));
	reply_envelope(out, header);
	output_flush(out);
	made->envelope = (uint32_t)into->len;
	reply_structure(out, tree, 0, message, true);
	output_flush(out);
	made->structure = (uint32_t)into->len - made->envelope;
	bool all = write_header(out, header, &made->sent);
	output_flush(out);
	made->header = (uint32_t)into->len - made->envelope - made->structure;
	return all && !out->failed;
}

bool
facts_compose(struct str *into, struct slice message, struct facts_texts *made)
{
	static struct output out; /* its buffer is no matter for the stack */
	static struct mime_tree tree; /* most have one part: its memory is kept for the next message */
	str_clear(into);
	into->limit = FACTS_MOST;
	if (!mime_parse_again(&tree, message))
		return false;
	output_open_memory(&out, into);
	bool ok = write_texts(&out, into, message, &tree, made);
	made->wire_size = crlf_size(message, &(bool){false});
	made->bytes = str_slice(into);
	if (tree.room > PARTS_KEPT)
		mime_free(&tree);
	return ok;
}

void
facts_fill(struct index_facts *facts, const struct facts_texts *made)
{
	facts->envelope = made->envelope;
	facts->structure = made->structure;
	facts->header = made->header;
	facts->sent = made->sent;
	facts->text_sum = index_sum(facts->inode, made->bytes.data, made->bytes.len);
}
