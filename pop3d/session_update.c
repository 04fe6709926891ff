/*
 * State UPDATE (RFC 1939 section 6). With pop3_keep a message that is younger
 * stays as it is for IMAP and other clients, and gets a keyword by which POP3
 * shows it no more; the first QUIT after its time removes it.
 */
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "pop3d/session.h"

/* Whether pop3_keep still holds it. What has no date any more is gone. */
static bool
is_young(struct session *s, struct message *m)
{
	time_t date;
	return s->policy->keep > 0 && folder_message_date(&s->inbox, m, &date)
	    && clock_unix() - (int64_t)date < (int64_t)s->policy->keep;
}

static bool
keep(struct session *s, struct message *m)
{
	int bit = folder_keyword(&s->inbox, slice_of(SESSION_KEPT), true);
	return bit >= 0 && folder_set_flags(&s->inbox, m, FLAGS_ADD, 0, 1u << bit);
}

static bool
remove_message(struct session *s, struct message *m)
{
	struct quota_amount size = quota_of_message(&s->inbox, m);
	if (!folder_expunge(&s->inbox, m))
		return false;
	quota_sum(&s->gone, size);
	s->removed++;
	s->removed_new += m->in_new;
	return true;
}

/* What was removed does not come back: the client has it. Most mail of a POP3 user lies in new/, where nothing but POP3 has seen it. */
static bool
sync_removed(const struct session *s)
{
	bool ok = s->removed == s->removed_new || folder_sync(&s->inbox);
	return (s->removed_new == 0 || fsync(s->inbox.fresh) == 0) && ok;
}

static bool
update_deleted(struct session *s, struct message *m)
{
	if (is_young(s, m))
		return keep(s, m);
	return remove_message(s, m);
}

/* False: it was marked as deleted and is still there. */
static bool
update_item(struct session *s, const struct item *item)
{
	struct message *m = &s->inbox.messages[item->index];
	if (item->marks & MARK_DELETED)
		return update_deleted(s, m);
	/* That a message was read is worth no error: it may have vanished, or the disk be full. */
	if (item->marks & MARK_READ && !(m->flags & FLAG_SEEN))
		folder_set_flags(&s->inbox, m, FLAGS_ADD, FLAG_SEEN, 0);
	return true;
}

/* What earlier sessions have deleted and is old enough now. The client knows nothing of it, so he is told nothing either. */
static void
remove_kept(struct session *s)
{
	for (size_t i = 0; i < s->inbox.count && s->kept != 0; i++) {
		struct message *m = &s->inbox.messages[i];
		if (m->keywords & s->kept && !m->vanished && !is_young(s, m))
			remove_message(s, m);
	}
}

/* Most sessions look and change nothing: they need no lock. */
static bool
has_work(const struct session *s)
{
	for (size_t i = 0; i < s->count; i++) {
		bool seen = s->inbox.messages[s->items[i].index].flags & FLAG_SEEN;
		if (s->items[i].marks & MARK_DELETED || (s->items[i].marks & MARK_READ && !seen))
			return true;
	}
	return s->kept != 0;
}

bool
session_update(struct session *s)
{
	bool ok = true;
	if (!has_work(s))
		return true;
	quota_begin(&s->account.quota);
	folder_change_begin(&s->inbox);
	remove_kept(s);
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].marks != 0)
			ok = update_item(s, &s->items[i]) && ok;
	folder_change_end(&s->inbox);
	account_done(&s->account, slice_of("INBOX"), s->gone);
	return sync_removed(s) && ok;
}
