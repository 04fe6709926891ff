/* STATUS: RFC 3501 section 6.3.10. */
#include "imapd/session.h"

#include "imapd/namespace.h"
#include "lib/mail/imap_reply.h"

enum { MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN, ITEMS };

static const char *const items[ITEMS] = {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"};

static bool
parse_items(struct parser *p, bool wanted[ITEMS])
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
		wanted[i] = true;
	} while (parse_maybe(p, ' '));
	return parse_byte(p, ')') && parse_end(p);
}

static void
count_messages(const struct folder *f, size_t numbers[ITEMS])
{
	for (size_t i = 0; i < f->count; i++) {
		const struct message *m = &f->messages[i];
		if (m->vanished)
			continue;
		numbers[MESSAGES]++;
		numbers[RECENT] += m->in_new || m->recent;
		numbers[UNSEEN] += !(m->flags & FLAG_SEEN);
	}
	numbers[UIDNEXT] = f->uidnext;
	numbers[UIDVALIDITY] = f->uidvalidity;
}

static void
tell(struct session *s, struct slice name, const bool wanted[ITEMS], const size_t numbers[ITEMS])
{
	const char *separator = "";
	output_text(&s->out, "* STATUS ");
	reply_astring(&s->out, name);
	output_text(&s->out, " (");
	for (size_t i = 0; i < ITEMS; i++) {
		if (!wanted[i])
			continue;
		output_format(&s->out, "%s%s %zu", separator, items[i], numbers[i]);
		separator = " ";
	}
	output_text(&s->out, ")\r\n");
}

struct answer
cmd_status(struct session *s, struct parser *p)
{
	struct slice name;
	bool wanted[ITEMS] = {false};
	size_t numbers[ITEMS] = {0};
	struct view v;
	if (!parse_space(p) || !parse_astring(p, &name) || !parse_items(p, wanted))
		return answer_bad(p->error);
	if (!view_open(&v, &s->maildir, namespace_inward(name), true))
		return answer_errno("status");
	count_messages(&v.folder, numbers);
	view_close(&v);
	tell(s, name, wanted, numbers);
	return answer_ok("done");
}
