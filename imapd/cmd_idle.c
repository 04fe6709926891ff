/* IDLE: RFC 2177. */
#include "imapd/session.h"

#include "imapd/metadata.h"
#include "imapd/notify.h"
#include "imapd/wait.h"
#include "imapd/watch.h"
#include "lib/base/clock.h"

/* ms */
#define LOOK_EVERY     30000 /* for what watches do not see (another host's writing) */
#define LOOK_UNWATCHED 1000  /* where no watch can be had */

/* False: the view cannot go on. `*due`: when there is more to tell, in ms; -1: when something happens. */
static bool
tell_news(struct session *s, int *due)
{
	*due = s->notify != NULL ? notify_look(s, true) : -1;
	/* A NOTIFY that had to be given up leaves silence behind it, as NOTIFY NONE does. */
	if (s->dialect.notifies || s->done)
		return true;
	session_watch_forget(s);
	metadata_tell_news(s);
	if (!s->view.open)
		return true;
	if (!view_refresh(&s->view) && s->view.stale)
		return false;
	view_report(&s->view, &s->out, &s->dialect, true, false);
	return true;
}

/* Whether there is something that inotify could tell of. */
static bool
has_news(const struct session *s)
{
	return s->view.open || s->watched_metadata != NULL;
}

static bool
idle_until_client(struct session *s, int look_every)
{
	int64_t deadline = clock_ms() + SESSION_IDLE;
	while (!input_has(&s->in)) {
		int due;
		if (!tell_news(s, &due))
			return false;
		int left = clock_poll_timeout(deadline);
		if (s->done)
			return true;
		if (left == 0) {
			session_bye(s, "[UNAVAILABLE] idle for too long");
			return true;
		}
		int pause = due >= 0 && due < look_every ? due : look_every;
		if (session_wait_news(s, left < pause ? left : pause) == WAIT_CLIENT)
			return true;
	}
	return true;
}

struct answer
cmd_idle(struct session *s, struct parser *p)
{
	struct slice line;
	(void)p;
	body_close(&s->body);
	bool watched = !has_news(s) || s->notify != NULL || session_watch_begin(s);
	output_text(&s->out, "+ idling\r\n");
	bool ok = idle_until_client(s, watched ? LOOK_EVERY : LOOK_UNWATCHED);
	session_watch_end(s);
	if (s->done)
		return (struct answer){.status = ANSWER_NONE};
	if (!ok)
		return answer_no("UNAVAILABLE", "the folder is gone");
	if (input_line(&s->in, 100, &line) != INPUT_OK) {
		s->done = true;
		return (struct answer){.status = ANSWER_NONE};
	}
	line.len -= slice_ends(line, "\r\n") ? 2 : 1;
	return slice_is_nocase(line, "DONE") ? answer_ok("done") : answer_bad("DONE was expected");
}
