/*
 * One session at a time (RFC 1939 section 4). The lock is Dovecot's, so that
 * its POP3 server and ours keep apart as well, and under flock(2), so that one
 * whose process was killed is free at once. Who lives and says nothing goes at
 * SESSION_IDLE; with pop3_takeover a new login knocks, by the time of a file,
 * and a session that has been silent that long gives way.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/store/directory.h"
#include "pop3d/session.h"

#define LOCK_NAME  "dovecot-pop3-session.lock"
#define KNOCK_NAME "postern-pop3-knock" /* its time of modification is the last knock */
#define DELAY_NAME "postern-pop3-login" /* its time of modification is the last login */

/* When somebody knocked last, in nanoseconds; 0: nobody has yet. */
static int64_t
last_knock(const struct session *s)
{
	struct stat st;
	if (fstatat(s->maildir.root, KNOCK_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static void
knock(const struct session *s)
{
	int fd = directory_open_own(s->maildir.root, KNOCK_NAME, 0);
	if (fd < 0 || futimens(fd, NULL) < 0)
		log_warning("knock-failed", log_text("file", KNOCK_NAME), log_errno());
	if (fd >= 0)
		close(fd);
}

bool
session_lock(struct session *s)
{
	if (!s->policy->lock)
		return true;
	bool locked = dotlock_take(&s->lock, s->maildir.root, LOCK_NAME, 0);
	if (!locked && errno == ETIMEDOUT) {
		if (s->policy->takeover > 0)
			knock(s);
		locked = dotlock_take(&s->lock, s->maildir.root, LOCK_NAME, SESSION_LOCK_TIME);
	}
	if (locked && s->policy->takeover > 0)
		s->knock = last_knock(s);
	s->lock_touched = clock_ms();
	return locked;
}

void
session_unlock(struct session *s)
{
	dotlock_release(&s->lock);
}

static bool
gives_way(struct session *s, int64_t now)
{
	int64_t last = last_knock(s);
	if (last != s->knock) {
		s->knock = last;
		s->knock_heard = now;
	}
	/* A knock of long ago is nobody's who still waits. */
	if (s->knock_heard == 0 || now - s->knock_heard > SESSION_LOCK_TIME
	    || now - s->heard < (int64_t)s->policy->takeover * 1000)
		return false;
	log_info("gave-way", log_number("silent_ms", now - s->heard));
	return true;
}

bool
session_lock_look(struct session *s)
{
	int64_t now = clock_ms();
	if (s->lock.fd < 0)
		return false;
	/* Dovecot takes a lock for dead that has not changed for some minutes. */
	if (now - s->lock_touched >= SESSION_LOCK_TOUCH * 1000) {
		futimens(s->lock.fd, NULL);
		s->lock_touched = now;
	}
	return s->policy->takeover > 0 && gives_way(s, now);
}

bool
session_login_delay(struct session *s)
{
	struct stat st;
	if (s->policy->login_delay == 0)
		return true;
	int fd = directory_open_own(s->maildir.root, DELAY_NAME, 0);
	int64_t age = -1;
	bool made = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0;
	if (made)
		age = clock_unix() - (int64_t)st.st_mtime;
	/* A time in the future is a clock's that was set back. */
	bool early = age >= 0 && age < (int64_t)s->policy->login_delay;
	/* Without a place to write the time there is no delay: mail goes on. */
	if (!early && (fd < 0 || pwrite(fd, "\n", 1, 0) < 0 || futimens(fd, NULL) < 0))
		log_warning("login-delay-unknown", log_text("file", DELAY_NAME), log_errno());
	if (fd >= 0)
		close(fd);
	errno = 0;
	return !early;
}
