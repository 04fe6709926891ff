/* STATUS: RFC 3501 section 6.3.10, RFC 9051 section 6.3.11; HIGHESTMODSEQ: RFC 7162; SIZE: RFC 8438; APPENDLIMIT: RFC 7889;
   DELETED-STORAGE: RFC 9208; MAILBOXID: RFC 8474. */
#include "imapd/status.h"

#include <errno.h>

#include "imapd/condstore.h"
#include "imapd/namespace.h"
#include "imapd/objectid.h"

static const char *const items[STATUS_ITEMS] = {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE",
    "HIGHESTMODSEQ", "APPENDLIMIT", "DELETED-STORAGE", "MAILBOXID"};

bool
parse_status_items(struct parser *p, struct status *status)
{
	struct slice name;
	if (!parse_byte(p, '('))
		return false;
	do {
		size_t i = 0;
		if (!parse_atom(p, &name))
			return false;
		while (i < STATUS_ITEMS && !slice_is_nocase(name, items[i]))
			i++;
		if (i == STATUS_ITEMS)
			return parse_fail(p, "there is an unknown status item");
		status->wanted[i] = true;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')');
}

/* False with errno: a message's size cannot be had. One that has just vanished is not there. */
static bool
count_message(struct folder *f, struct message *m, struct status *status)
{
	uint64_t size = 0, *numbers = status->numbers;
	if (status->wanted[STATUS_SIZE] && !folder_message_size(f, m, &size))
		return errno == ENOENT;
	numbers[STATUS_MESSAGES]++;
	numbers[STATUS_RECENT] += m->in_new || m->recent;
	numbers[STATUS_UNSEEN] += !(m->flags & FLAG_SEEN);
	numbers[STATUS_DELETED] += (m->flags & FLAG_DELETED) != 0;
	numbers[STATUS_SIZE] += size;
	if (status->wanted[STATUS_DELETED_STORAGE] && m->flags & FLAG_DELETED)
		numbers[STATUS_DELETED_STORAGE] += quota_of_message(f, m).bytes;
	return true;
}

static bool
count_messages(struct folder *f, struct status *status)
{
	for (size_t i = 0; i < f->count; i++)
		if (!f->messages[i].vanished && !count_message(f, &f->messages[i], status))
			return false;
	status->numbers[STATUS_UIDNEXT] = f->uidnext;
	status->numbers[STATUS_UIDVALIDITY] = f->uidvalidity;
	status->numbers[STATUS_HIGHESTMODSEQ] = f->highest_modseq;
	return true;
}

void
status_write(struct session *s, struct slice name, const struct status *status)
{
	const char *separator = "";
	output_text(&s->out, "* STATUS ");
	namespace_write(&s->out, s->dialect.utf8, name);
	output_text(&s->out, " (");
	for (size_t i = 0; i < STATUS_ITEMS; i++) {
		if (!status->wanted[i])
			continue;
		output_text(&s->out, separator);
		if (i == STATUS_MAILBOXID)
			output_text(&s->out, status->mailboxid);
		else
			output_format(&s->out, "%s %llu", items[i], (unsigned long long)status->numbers[i]);
		separator = " ";
	}
	output_text(&s->out, ")\r\n");
}

bool
status_look(struct session *s, struct slice name, struct status *status)
{
	struct view v;
	if (!view_open(&v, &s->maildir, namespace_inward(name), true))
		return false;
	bool ok = count_messages(&v.folder, status);
	if (ok && status->wanted[STATUS_MAILBOXID])
		ok = (status->mailboxid = objectid_folder_code(s, &v.folder)) != NULL;
	int saved = errno;
	view_close(&v);
	errno = saved;
	return ok;
}

void
status_begin(struct session *s, struct status *status)
{
	status->numbers[STATUS_APPENDLIMIT] = s->append_most;
	if (status->wanted[STATUS_HIGHESTMODSEQ])
		condstore_begin(s);
}

bool
status_tell(struct session *s, struct slice name, struct status status)
{
	if (!status_look(s, name, &status))
		return false;
	status_write(s, name, &status);
	return true;
}

struct answer
cmd_status(struct session *s, struct parser *p)
{
	struct slice name;
	struct status status = {.numbers = {0}};
	if (!parse_space(p) || !namespace_take(p, &name) || !parse_space(p) || !parse_status_items(p, &status) || !parse_end(p))
		return answer_bad(p->error);
	status_begin(s, &status);
	return status_tell(s, name, status) ? answer_ok("done") : answer_errno("status");
}
