#include "imapd/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/store/folders.h"

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

/* The command under way ends as if the client had fallen silent: an APPEND takes its file away. */
static void
end_on_signal(struct session *s)
{
	output_text(&s->out, "* BYE the server ends this session, come again\r\n");
	output_flush(&s->out);
	s->out.failed = s->done = true;
	s->in.fd = -1;
	s->in.timeout = 0;
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

void
session_wait(void *context)
{
	struct session *s = context;
	struct pollfd client = {.fd = s->in.fd, .events = POLLIN};
	if (s->in.fd < 0)
		return;
	output_flush(&s->out);
	/* The input's own wait finds what this one found; at the timeout it ends at once. */
	bool silent = wait_ready(s, &client, 1, SESSION_IDLE) == 0;
	s->in.timeout = silent || s->in.fd < 0 ? 0 : SESSION_IDLE;
}

enum wait_result
session_wait_news(struct session *s, int timeout)
{
	struct pollfd fds[2] = {{.fd = s->in.fd, .events = POLLIN}, {.fd = s->watch, .events = POLLIN}};
	output_flush(&s->out);
	if (wait_ready(s, fds, 2, timeout) == 0)
		return WAIT_TIMEOUT;
	return s->in.fd < 0 || fds[0].revents != 0 ? WAIT_CLIENT : WAIT_NEWS;
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
