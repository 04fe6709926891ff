/* NOTIFY: RFC 5465 section 3.1. */
#include "imapd/notify.h"

#include <errno.h>
#include <stdlib.h>

#include "imapd/metadata.h"
#include "imapd/namespace.h"
#include "lib/base/log.h"

#define REQUEST_MOST (1 << 20) /* bytes of memory that is kept for what the client said */
#define UNSUPPORTED  (NOTIFY_ANNOTATIONS | NOTIFY_OTHER)
#define METADATA     (NOTIFY_METADATA | NOTIFY_SERVER_METADATA)
#define BADEVENT     "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)"

/* What the client said, parsed in memory that stays. NULL: *answer says why. */
static struct notify *
parse_kept(struct parser *p, struct answer *answer)
{
	struct notify *n = calloc(1, sizeof *n);
	*answer = answer_no("LIMIT", "there is no memory for this");
	if (n == NULL)
		return NULL;
	n->memory = SCRATCH_MOST(REQUEST_MOST);
	n->descriptor = n->selected_watches[0] = n->selected_watches[1] = -1;
	char *text = scratch_copy(&n->memory, p->c.rest);
	struct parser own = parser_over(slice_make(text, p->c.rest.len), &n->memory);
	own.utf8 = p->utf8;
	if (text != NULL && parse_notify(&own, &n->request))
		return n;
	if (text != NULL)
		*answer = answer_bad(own.error);
	notify_free(n);
	return NULL;
}

/* Of the selected folder. */
static void
choose_silence(struct dialect *d, const struct notify_request *r)
{
	d->quiet_new = d->quiet_expunges = !(r->selected_events & NOTIFY_NEW);
	d->quiet_flags = !(r->selected_events & NOTIFY_FLAGS);
}

/* Section 3.1: the client is told all that it did not know of the selected folder, by what was in force before, or is now. */
static bool
tell_what_was(struct session *s, const struct notify_request *r)
{
	struct dialect dialect = s->dialect, next = {.notifies = true};
	if (!s->view.open)
		return true;
	choose_silence(&next, r);
	dialect.quiet_new = dialect.quiet_new && next.quiet_new;
	dialect.quiet_expunges = dialect.quiet_expunges && next.quiet_expunges;
	dialect.quiet_flags = dialect.quiet_flags && next.quiet_flags;
	uint32_t last = notify_last_uid(s);
	if (!session_refresh(s))
		return false;
	view_report(&s->view, &s->out, &dialect, true, false);
	notify_tell_new(s, last);
	return true;
}

static struct answer
refuse(const struct notify *n)
{
	if (n != NULL && n->request.all & UNSUPPORTED)
		return answer_no(BADEVENT, "such events are not told");
	log_warning("notify-refused", log_errno(), log_text("hint", errno == E2BIG ? "" :
	    "sessions may need more of fs.inotify.max_user_watches or fs.inotify.max_user_instances (sysctl)"));
	return answer_no("NOTIFICATIONOVERFLOW", "so many folders cannot be watched now");
}

/* All that what is asked for needs; false with errno. */
static bool
begin_watching(struct session *s, struct notify *n)
{
	bool metadata = (n->request.all & METADATA) != 0;
	return notify_watch_begin(n) && notify_watch_folders(s, n) && (!metadata || metadata_watch_begin(s));
}

static void
tell_status(struct session *s, const struct notify *n)
{
	for (size_t i = 0; i < n->count; i++) {
		struct slice name = slice_of(n->folders[i].name);
		if (!s->view.open || !notify_same(namespace_inward(name), slice_of(s->view.name)))
			status_write(s, name, &n->folders[i].told);
	}
}

static void
put_in_force(struct session *s, struct notify *n)
{
	const struct notify_request *r = &n->request;
	notify_end(s);
	s->notify = n;
	s->dialect.notifies = true;
	choose_silence(&s->dialect, r);
	if (r->status)
		tell_status(s, n);
	notify_watch_selected(s);
}

struct answer
cmd_notify(struct session *s, struct parser *p)
{
	struct answer answer;
	struct notify *n = parse_kept(p, &answer);
	if (n == NULL)
		return answer;
	if (n->request.none) {
		if (tell_what_was(s, &n->request))
			notify_end(s);
		notify_free(n);
		return answer_ok("nothing will be told");
	}
	if (n->request.all & UNSUPPORTED || !begin_watching(s, n)) {
		answer = refuse(n);
		notify_free(n);
		return answer;
	}
	if (!tell_what_was(s, &n->request)) {
		notify_free(n);
		return answer_ok("done");
	}
	put_in_force(s, n);
	return answer_ok("done");
}
