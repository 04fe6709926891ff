#include "imapd/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/store/folders.h"

#define WATCHED   (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
#define SIGNALLED (DN_CREATE | DN_DELETE | DN_RENAME | DN_MULTISHOT) /* a file that comes by rename counts as created */

static volatile sig_atomic_t signalled;

static void
on_change(int number)
{
	(void)number;
	signalled = 1;
}

void
session_watch_prepare(void)
{
	struct sigaction act = {.sa_handler = on_change, .sa_flags = SA_RESTART};
	sigset_t change;
	sigemptyset(&act.sa_mask);
	sigemptyset(&change);
	sigaddset(&change, SIGIO);
	sigprocmask(SIG_BLOCK, &change, NULL);
	sigaction(SIGIO, &act, NULL);
}

static int
watch_by_inotify(const struct session *s, const char *path)
{
	return inotify_add_watch(s->watch, path, WATCHED);
}

static int
watch_by_signal(const struct session *s, const char *path)
{
	(void)s;
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_NOTIFY, SIGNALLED) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* What it returns is what session_watch_end() takes back; -1 with errno. */
typedef int watcher(const struct session *s, const char *path);

static bool
watch(struct session *s, const char *path, watcher *by)
{
	int watched = by(s, path);
	if (watched < 0)
		return false;
	s->watched[s->watched_count++] = watched;
	return true;
}

/* The selected folder's `part`, from the Maildir, which is the working directory. */
static bool
watch_part(struct session *s, const char *part, watcher *by)
{
	char path[300];
	bool inbox = folders_is_inbox(slice_of(s->view.name));
	int len = snprintf(path, sizeof path, "%s%s%s%s", inbox ? "" : ".", inbox ? "" : s->view.name,
	    inbox ? "" : "/", part);
	return len > 0 && (size_t)len < sizeof path && watch(s, path, by);
}

static bool
watch_folder(struct session *s, watcher *by)
{
	s->watched_by_signal = by == watch_by_signal;
	/* Annotations are replaced in the Maildir itself. */
	if (s->watched_metadata != NULL && !watch(s, ".", by))
		return false;
	return !s->view.open || (watch_part(s, "cur", by) && watch_part(s, "new", by));
}

bool
session_watch_begin(struct session *s)
{
	static bool told;
	if (s->watch < 0)
		s->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->watch >= 0 && watch_folder(s, watch_by_inotify))
		return true;
	session_watch_end(s);
	if (watch_folder(s, watch_by_signal))
		return true;
	if (!told)
		log_warning("not-watched", log_errno(), log_text("hint",
		    "IDLE looks every second now; let vmail have more of fs.inotify.max_user_instances and max_user_watches (sysctl)"));
	told = true;
	session_watch_end(s);
	return false;
}

int
session_watch_descriptor(const struct session *s)
{
	return s->watched_count > 0 && !s->watched_by_signal ? s->watch : -1;
}

bool
session_watch_signalled(const struct session *s)
{
	return signalled && s->watched_count > 0 && s->watched_by_signal;
}

void
session_watch_forget(struct session *s)
{
	char events[4096];
	signalled = 0;
	while (s->watch >= 0 && read(s->watch, events, sizeof events) > 0)
		continue;
}

void
session_watch_end(struct session *s)
{
	while (s->watched_count > 0) {
		int watched = s->watched[--s->watched_count];
		if (s->watched_by_signal)
			close(watched);
		else
			inotify_rm_watch(s->watch, watched);
	}
}
