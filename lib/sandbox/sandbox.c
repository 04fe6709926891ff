#include "lib/sandbox/sandbox.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/sandbox/landlock.h"
#include "lib/sandbox/seccomp.h"

/* The call groups that this process was confined to before; a child that was forked then knows them by this. */
static unsigned inherited;

static bool
limit(int resource, rlim_t most)
{
	struct rlimit r = {.rlim_cur = most, .rlim_max = most};
	return setrlimit(resource, &r) == 0;
}

static bool
set_limits(const struct contract *c)
{
#ifndef POSTERN_SANITIZE
	/* A sanitizer maps terabytes of shadow memory, and its leak check attaches to the process. */
	if (c->memory > 0 && !limit(RLIMIT_AS, c->memory))
		return false;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return false;
#endif
	if (c->descriptors > 0 && !limit(RLIMIT_NOFILE, c->descriptors))
		return false;
	return limit(RLIMIT_CORE, 0);
}

static bool
failed(const char *step)
{
	log_error("confinement-failed", log_text("step", step), log_errno(),
	    log_text("hint", "the program does not go on unconfined; see its --contract"));
	return false;
}

bool
sandbox_enter(const struct contract *c, const struct sandbox_path *paths, size_t count)
{
	if (!set_limits(c))
		return failed("limits");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed("no-new-privs");
	if (!landlock_enter(c, paths, count))
		return failed("landlock");
	if (!seccomp_enter(c->calls, inherited))
		return failed("seccomp");
	inherited = c->calls;
	return true;
}

bool
sandbox_not_root(const struct program *p)
{
	if (geteuid() != 0 && getuid() != 0)
		return true;
	log_error("started-as-root", log_text("user", p->user),
	    log_text("hint", "start it as that user: s6-setuidgid, chpst -u or tcpserver -u -g"));
	return false;
}
