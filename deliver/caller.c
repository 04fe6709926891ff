#include "deliver/caller.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/log.h"

#define CLOSE_RANGE 436 /* close_range(2), Linux 5.9; not in every libc */
#define NAME_ROOM   64  /* of a user's name */
#define BETWEEN     " ,\t\n"

static void
close_others(void)
{
	if (syscall(CLOSE_RANGE, 3u, ~0u, 0u) == 0)
		return;
	struct rlimit r;
	rlim_t most = getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < 65536 ? r.rlim_cur : 65536;
	for (int fd = 3; fd < (int)most; fd++)
		close(fd);
}

void
caller_forget(void)
{
	if (getauxval(AT_SECURE))
		clearenv();
	close_others();
	umask(077);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	const struct itimerval off = {.it_value.tv_sec = 0};
	setitimer(ITIMER_REAL, &off, NULL);
	/* A limit on the size of files or on processor time would cut a message short. */
	struct rlimit r;
	if (getrlimit(RLIMIT_FSIZE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_FSIZE, &r);
	}
	if (chdir("/") < 0)
		_exit(111);
}

static bool
is_caller(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	return entry != NULL && entry->pw_uid == getuid();
}

static bool
is_listed(const char *users)
{
	char name[NAME_ROOM];
	for (const char *at = users; *at != '\0';) {
		size_t len = strcspn(at, BETWEEN);
		snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), at);
		if (len > 0 && is_caller(name))
			return true;
		at += len + strspn(at + len, BETWEEN);
	}
	return false;
}

bool
caller_allowed(const char *others)
{
	uid_t caller = getuid();
	if (caller == 0 || caller == geteuid() || is_caller("postern-queue") || is_caller("postern-lmtpd") || is_listed(others))
		return true;
	log_error("caller-refused", log_number("uid", (int64_t)caller),
	    log_text("hint", "root, postern-queue, postern-lmtpd, the mail user and whom the setting deliver_users names may start deliver"));
	return false;
}

bool
caller_leave(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (uid != 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 && getuid() == uid)
		return true;
	log_error("wrong-user", log_number("uid", (int64_t)uid),
	    log_text("hint", "the program must belong to vmail and be setuid (chown vmail:vmail, chmod 6711), or be started as vmail"));
	return false;
}
