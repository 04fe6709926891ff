/* What NOTIFY tells: STATUS of folders, and the selected folder's news (RFC 5465 sections 5.1 to 5.3). */
#include "imapd/notify.h"

#include <errno.h>

#include "imapd/fetch.h"
#include "imapd/metadata.h"
#include "imapd/namespace.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

void
notify_end(struct session *s)
{
	notify_free(s->notify);
	s->notify = NULL;
	s->dialect.notifies = false;
	s->dialect.quiet_new = s->dialect.quiet_expunges = s->dialect.quiet_flags = true;
}

/* Section 5.8. */
static void
overflow(struct session *s)
{
	log_warning("notify-overflow", log_errno(), log_text("hint", "the client is told of no folder any more, and may ask anew"));
	output_text(&s->out, "* OK [NOTIFICATIONOVERFLOW] no more notifications: this has become too much\r\n");
	notify_end(s);
}

static void
relist(struct session *s)
{
	if (!notify_tell_names(s))
		overflow(s);
}

/* --- messages of other folders ---------------------------------------------------------------- */

struct status
notify_status(const struct session *s, unsigned events)
{
	struct status status = {.numbers = {0}};
	status.wanted[STATUS_MESSAGES] = status.wanted[STATUS_UIDNEXT] = status.wanted[STATUS_UIDVALIDITY] = true;
	status.wanted[STATUS_UNSEEN] = (events & NOTIFY_FLAGS) != 0;
	status.wanted[STATUS_HIGHESTMODSEQ] = s->dialect.condstore || events & NOTIFY_FLAGS;
	return status;
}

/* Of a folder that has just come, only that there is something in it. */
static bool
is_news(const struct notify_folder *f, const struct status *now)
{
	static const enum status_item news[] = {STATUS_MESSAGES, STATUS_UIDNEXT, STATUS_UIDVALIDITY};
	static const enum status_item flags[] = {STATUS_UNSEEN, STATUS_HIGHESTMODSEQ};
	bool differ = false;
	if (f->told.numbers[STATUS_UIDVALIDITY] == 0)
		return now->numbers[STATUS_MESSAGES] > 0;
	for (size_t i = 0; i < sizeof news / sizeof *news; i++)
		differ = differ || f->told.numbers[news[i]] != now->numbers[news[i]];
	for (size_t i = 0; i < sizeof flags / sizeof *flags && f->events & NOTIFY_FLAGS; i++)
		differ = differ || f->told.numbers[flags[i]] != now->numbers[flags[i]];
	return differ;
}

static bool
is_selected(const struct session *s, const struct notify_folder *f)
{
	return s->view.open && notify_same(namespace_inward(slice_of(f->name)), slice_of(s->view.name));
}

/* What cannot be looked at now is looked at later. */
static void
tell_folder(struct session *s, struct notify_folder *f)
{
	struct status now = notify_status(s, f->events);
	f->looked = clock_ms();
	if (!status_look(s, slice_of(f->name), &now)) {
		f->dirty = errno != ENOENT;
		return;
	}
	if (!f->silent && is_news(f, &now))
		status_write(s, slice_of(f->name), &now);
	f->told = now;
	f->dirty = f->silent = false;
}

/* How long the next one waits, or -1. */
static int
tell_folders(struct session *s)
{
	struct notify *n = s->notify;
	int64_t due = -1, now = clock_ms();
	for (size_t i = 0; i < n->count; i++) {
		struct notify_folder *f = &n->folders[i];
		if (!f->dirty || is_selected(s, f))
			continue;
		if (now - f->looked >= NOTIFY_PAUSE || f->looked == 0)
			tell_folder(s, f);
		if (f->dirty || f->looked == 0)
			due = due < 0 || f->looked + NOTIFY_PAUSE < due ? f->looked + NOTIFY_PAUSE : due;
	}
	return due < 0 ? -1 : clock_poll_timeout(due);
}

/* --- the selected folder ------------------------------------------------------------------------ */

uint32_t
notify_last_uid(const struct session *s)
{
	return s->view.open && s->view.announced > 0 ? s->view.folder.messages[s->view.announced - 1].uid : 0;
}

void
notify_tell_new(struct session *s, uint32_t last_uid)
{
	if (s->notify == NULL || s->notify->request.items == NULL || !s->view.open || last_uid == UINT32_MAX)
		return;
	fetch_tell(s, s->notify->request.items, folder_place_of(&s->view.folder, last_uid + 1));
}

static void
look_at_selected(struct session *s, bool expunges)
{
	struct notify *n = s->notify;
	bool dirty = n->selected_dirty;
	n->selected_dirty = false;
	if (!dirty || !s->view.open || n->request.selected_events == 0)
		return;
	uint32_t last = notify_last_uid(s);
	if (!session_refresh(s))
		return;
	view_report(&s->view, &s->out, &s->dialect, expunges || !n->request.delayed, false);
	notify_tell_new(s, last);
}

/* How long it waits for renames to be done, or -1. */
static int
relist_due(const struct notify *n)
{
	if (!n->relist)
		return -1;
	return n->at_once ? 0 : clock_poll_timeout(n->settled);
}

int
notify_look(struct session *s, bool expunges)
{
	notify_read_events(s->notify);
	int settling = relist_due(s->notify);
	if (settling == 0)
		relist(s);
	if (s->notify == NULL)
		return -1;
	notify_watch_selected(s);
	look_at_selected(s, expunges);
	metadata_tell_news(s);
	int due = s->done ? -1 : tell_folders(s);
	scratch_clear(&s->scratch);
	return settling > 0 && (due < 0 || settling < due) ? settling : due;
}
