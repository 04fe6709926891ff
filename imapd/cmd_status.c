/* STATUS: RFC 3501 section 6.3.10, RFC 9051 section 6.3.11; HIGHESTMODSEQ: RFC 7162; SIZE: RFC 8438; APPENDLIMIT: RFC 7889. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/condstore.h"
#include "imapd/namespace.h"
#include "lib/mail/imap_reply.h"

enum { MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN, DELETED, SIZE, HIGHESTMODSEQ, APPENDLIMIT, ITEMS };

static const char *const items[ITEMS] = {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE",
    "HIGHESTMODSEQ", "APPENDLIMIT"};

struct status {
	bool     wanted[ITEMS];
	uint64_t numbers[ITEMS];
};

static bool
parse_items(struct parser *p, struct status *status)
{
	struct slice name;
	if (!parse_space(p) || !parse_byte(p, '('))
		return false;
	do {
		size_t i = 0;
		if (!parse_atom(p, &name))
			return false;
		while (i < ITEMS && !slice_is_nocase(name, items[i]))
			i++;
		if (i == ITEMS)
			return parse_fail(p, "there is an unknown status item");
		status->wanted[i] = true;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')') && parse_end(p);
}

/* False with errno: a message's size cannot be had. One that has just vanished is not there. */
static bool
count_message(struct folder *f, struct message *m, struct status *status)
{
	uint64_t size = 0, *numbers = status->numbers;
	if (status->wanted[SIZE] && !folder_message_size(f, m, &size))
		return errno == ENOENT;
	numbers[MESSAGES]++;
	numbers[RECENT] += m->in_new || m->recent;
	numbers[UNSEEN] += !(m->flags & FLAG_SEEN);
	numbers[DELETED] += (m->flags & FLAG_DELETED) != 0;
	numbers[SIZE] += size;
	return true;
}

static bool
count_messages(struct folder *f, struct status *status)
{
	for (size_t i = 0; i < f->count; i++)
		if (!f->messages[i].vanished && !count_message(f, &f->messages[i], status))
			return false;
	status->numbers[UIDNEXT] = f->uidnext;
	status->numbers[UIDVALIDITY] = f->uidvalidity;
	status->numbers[HIGHESTMODSEQ] = f->highest_modseq;
	return true;
}

static void
tell(struct session *s, struct slice name, const struct status *status)
{
	const char *separator = "";
	output_text(&s->out, "* STATUS ");
	reply_astring(&s->out, name);
	output_text(&s->out, " (");
	for (size_t i = 0; i < ITEMS; i++) {
		if (!status->wanted[i])
			continue;
		output_format(&s->out, "%s%s %llu", separator, items[i], (unsigned long long)status->numbers[i]);
		separator = " ";
	}
	output_text(&s->out, ")\r\n");
}

/* False with errno. */
static bool
look(struct session *s, struct slice name, struct status *status)
{
	struct view v;
	if (!view_open(&v, &s->maildir, namespace_inward(name), true))
		return false;
	bool ok = count_messages(&v.folder, status);
	int saved = errno;
	view_close(&v);
	errno = saved;
	return ok;
}

struct answer
cmd_status(struct session *s, struct parser *p)
{
	struct slice name;
	struct status status = {.numbers[APPENDLIMIT] = s->append_most};
	if (!parse_space(p) || !parse_astring(p, &name) || !parse_items(p, &status))
		return answer_bad(p->error);
	if (status.wanted[HIGHESTMODSEQ])
		condstore_begin(s);
	if (!look(s, name, &status))
		return answer_errno("status");
	tell(s, name, &status);
	return answer_ok("done");
}
