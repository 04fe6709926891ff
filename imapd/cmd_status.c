/* STATUS: RFC 3501 section 6.3.10, RFC 9051 section 6.3.11; HIGHESTMODSEQ: RFC 7162; SIZE: RFC 8438; APPENDLIMIT: RFC 7889;
   DELETED-STORAGE: RFC 9208; MAILBOXID: RFC 8474. */
#include "imapd/status.h"

#include <errno.h>

#include "imapd/condstore.h"
#include "imapd/namespace.h"
#include "imapd/objectid.h"
#include "lib/store/status.h"

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

static bool
sum_deleted(struct folder *f, uint64_t *bytes)
{
	if (f->uidvalidity == 0 && !folder_refresh(f))
		return false;
	for (size_t i = 0; i < f->count; i++)
		if (!f->messages[i].vanished && f->messages[i].flags & FLAG_DELETED)
			*bytes += quota_of_message(f, &f->messages[i]).bytes;
	return true;
}

static bool
find_mailboxid(struct session *s, struct folder *f, const char **code)
{
	if (f->uidvalidity == 0 && !folder_refresh(f))
		return false;
	*code = objectid_folder_code(s, f);
	return *code != NULL;
}

static bool
look(struct session *s, struct folder *f, struct status *status)
{
	struct folder_status found;
	uint64_t *numbers = status->numbers;
	if (!folder_status(f, status->wanted[STATUS_SIZE], &found))
		return false;
	numbers[STATUS_MESSAGES] = found.messages;
	numbers[STATUS_RECENT] = found.fresh;
	numbers[STATUS_UIDNEXT] = found.uidnext;
	numbers[STATUS_UIDVALIDITY] = found.uidvalidity;
	numbers[STATUS_UNSEEN] = found.unseen;
	numbers[STATUS_DELETED] = found.deleted;
	numbers[STATUS_SIZE] = found.bytes;
	numbers[STATUS_HIGHESTMODSEQ] = found.highest_modseq;
	return (!status->wanted[STATUS_DELETED_STORAGE] || sum_deleted(f, &numbers[STATUS_DELETED_STORAGE])) &&
	    (!status->wanted[STATUS_MAILBOXID] || find_mailboxid(s, f, &status->mailboxid));
}

bool
status_look(struct session *s, struct slice name, struct status *status)
{
	struct folder f;
	if (!folder_find(&f, &s->maildir, namespace_inward(name), true))
		return false;
	bool ok = look(s, &f, status);
	int saved = errno;
	folder_close(&f);
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
