#include "imapd/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "imapd/compress.h"
#include "imapd/notify.h"
#include "lib/base/clock.h"
#include "lib/store/folders.h"

#define REST_AFTER 2000 /* ms */
#define WATCHED (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

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

/* poll(2) in which SIGTERM is let through. */
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
		if (n >= 0 || errno != EINTR)
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
	if (s->view.open)
		folder_rest(&s->view.folder);
	return wait_ready(s, fds, count, timeout - REST_AFTER);
}

/* Where news come from: NOTIFY's watches, or IDLE's; -1: nowhere. */
static int
news_of(const struct session *s)
{
	return s->notify != NULL ? s->notify->descriptor : s->watch;
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

/* The path of the selected folder's `part`, from the Maildir, which is the working directory. */
static bool
watch_part(struct session *s, const char *part)
{
	char path[300];
	bool inbox = folders_is_inbox(slice_of(s->view.name));
	int len = snprintf(path, sizeof path, "%s%s%s%s", inbox ? "" : ".", inbox ? "" : s->view.name,
	    inbox ? "" : "/", part);
	return len > 0 && (size_t)len < sizeof path && inotify_add_watch(s->watch, path, WATCHED) >= 0;
}

bool
session_watch_begin(struct session *s)
{
	s->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->watch < 0)
		return false;
	/* Annotations are replaced in the Maildir itself. */
	bool ok = s->watched_metadata == NULL || inotify_add_watch(s->watch, ".", IN_MOVED_TO) >= 0;
	if (ok && (!s->view.open || (watch_part(s, "cur") && watch_part(s, "new"))))
		return true;
	session_watch_end(s);
	return false;
}

void
session_watch_end(struct session *s)
{
	if (s->watch >= 0)
		close(s->watch);
	s->watch = -1;
}
