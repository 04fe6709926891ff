#include "imapd/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "imapd/compress.h"
#include "imapd/notify.h"
#include "imapd/watch.h"
#include "lib/base/clock.h"

#define REST_AFTER 2000 /* ms */

static volatile sig_atomic_t terminated;

static void
on_terminate(int number)
{
	(void)number;
	terminated = 1;
}

void
session_wait_prepare(void)
{
	struct sigaction act = {.sa_handler = on_terminate};
	sigemptyset(&act.sa_mask);
	sigaction(SIGTERM, &act, NULL);
	session_watch_prepare();
}

/* Whatever is under way ends as if the client had fallen silent: an APPEND takes its file away. */
static void
end(struct session *s)
{
	output_flush(&s->out);
	s->out.failed = s->done = true;
	s->in.fd = -1;
	s->in.timeout = 0;
}

static void
end_on_signal(struct session *s)
{
	output_text(&s->out, "* BYE the server ends this session, come again\r\n");
	end(s);
}

/* poll(2) in which SIGTERM is let through, and SIGIO of a folder that is watched: some number then, and nothing in `fds`. */
static int
wait_ready(struct session *s, struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};
	sigset_t none;
	sigemptyset(&none);
	for (;;) {
		int n = ppoll(fds, count, &limit, &none);
		if (terminated) {
			end_on_signal(s);
			return 1;
		}
		if (n >= 0 || errno != EINTR || session_watch_signalled(s))
			return n;
	}
}

/* The same; after a while what a silent session does not need is given back. */
static int
wait_long(struct session *s, struct pollfd *fds, nfds_t count, int timeout)
{
	int n = wait_ready(s, fds, count, timeout < REST_AFTER ? timeout : REST_AFTER);
	if (n != 0 || timeout <= REST_AFTER)
		return n;
	compress_rest();
	folder_rest_spare();
	if (s->view.open)
		folder_rest(&s->view.folder);
	return wait_ready(s, fds, count, timeout - REST_AFTER);
}

/* Where news come from: NOTIFY's watches, or IDLE's; -1: nowhere. */
static int
news_of(const struct session *s)
{
	return s->notify != NULL ? s->notify->descriptor : session_watch_descriptor(s);
}

enum wait_result
session_wait_news(struct session *s, int timeout)
{
	struct pollfd fds[2] = {{.fd = s->in.fd, .events = POLLIN}, {.fd = news_of(s), .events = POLLIN}};
	output_flush(&s->out);
	if (wait_long(s, fds, 2, timeout) == 0)
		return WAIT_TIMEOUT;
	return s->in.fd < 0 || fds[0].revents != 0 ? WAIT_CLIENT : WAIT_NEWS;
}

/* Between two commands; what NOTIFY has to tell is told meanwhile. False: the client was silent for too long. */
static bool
wait_and_tell(struct session *s)
{
	int64_t deadline = clock_ms() + SESSION_IDLE;
	for (;;) {
		int due = s->notify != NULL ? notify_look(s, false) : -1;
		int left = clock_poll_timeout(deadline);
		if (s->done)
			end(s);
		if (s->out.failed)
			return true;
		if (left == 0)
			return false;
		if (session_wait_news(s, due >= 0 && due < left ? due : left) == WAIT_CLIENT)
			return true;
	}
}

/* Within a command nothing is told but by the command. */
static bool
is_between_commands(const struct session *s)
{
	return !s->busy && s->gather.text.len == 0;
}

void
session_wait(void *context)
{
	struct session *s = context;
	struct pollfd client = {.fd = s->in.fd, .events = POLLIN};
	if (s->in.fd < 0)
		return;
	output_flush(&s->out);
	bool ready = is_between_commands(s) ? wait_and_tell(s) : wait_long(s, &client, 1, SESSION_IDLE) != 0;
	/* The input's own wait finds what this one found; at the timeout it ends at once. */
	s->in.timeout = ready && !s->out.failed ? SESSION_IDLE : 0;
}
