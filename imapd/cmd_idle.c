/* IDLE: RFC 2177. */
#include "imapd/session.h"

#include <unistd.h>

#include "imapd/metadata.h"
#include "imapd/wait.h"
#include "lib/base/clock.h"

#define LOOK_EVERY 30000 /* ms, for what inotify does not see (another host's writing) */

static void
forget_events(struct session *s)
{
	char events[4096];
	while (s->watch >= 0 && read(s->watch, events, sizeof events) > 0)
		continue;
}

/* False: the view cannot go on. */
static bool
tell_news(struct session *s)
{
	forget_events(s);
	metadata_tell_news(s);
	if (!s->view.open)
		return true;
	if (!view_refresh(&s->view) && s->view.stale)
		return false;
	view_report(&s->view, &s->out, &s->dialect, true, false);
	return true;
}

static bool
idle_until_client(struct session *s)
{
	int64_t deadline = clock_ms() + SESSION_IDLE;
	while (input_buffered(&s->in).len == 0) {
		if (!tell_news(s))
			return false;
		int left = clock_poll_timeout(deadline);
		if (left == 0) {
			session_bye(s, "[UNAVAILABLE] idle for too long");
			return true;
		}
		if (session_wait_news(s, left < LOOK_EVERY ? left : LOOK_EVERY) == WAIT_CLIENT)
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
	if (s->view.open || s->watched_metadata != NULL)
		session_watch_begin(s);
	output_text(&s->out, "+ idling\r\n");
	bool ok = idle_until_client(s);
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
