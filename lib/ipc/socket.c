#include "lib/ipc/socket.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define BACKLOG     1024
#define RETRY_EVERY 50 /* ms */

const char *socket_run_directory = "/run/postern";
bool        socket_one_identity;

static bool
make_address(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int len = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", socket_run_directory, name);
	if (len > 0 && (size_t)len < sizeof address->sun_path)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

static int
listen_failed(const char *name, int fd)
{
	log_error("listen-failed", log_text("directory", socket_run_directory), log_text("socket", name), log_errno(),
	    log_text("hint", "make the directory above the socket, owned by this program's user"));
	if (fd >= 0)
		close(fd);
	return -1;
}

int
socket_listen(const char *name)
{
	struct sockaddr_un address;
	if (!make_address(&address, name))
		return listen_failed(name, -1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return listen_failed(name, -1);
	if (unlink(address.sun_path) < 0 && errno != ENOENT)
		return listen_failed(name, fd);
	/* Anyone may knock; who is let in is decided by SO_PEERCRED. */
	mode_t before = umask(0);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
	umask(before);
	if (bound < 0 || listen(fd, BACKLOG) < 0)
		return listen_failed(name, fd);
	return fd;
}

static int
try_connect(const struct sockaddr_un *address, int patience)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* Bounds the wait for a place in a full backlog. */
	struct timeval limit = {.tv_sec = patience / 1000, .tv_usec = patience % 1000 * 1000 + 1};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
socket_connect(const char *name, int patience)
{
	struct sockaddr_un address;
	if (!make_address(&address, name))
		return -1;
	int64_t deadline = clock_ms() + patience;
	for (;;) {
		int fd = try_connect(&address, patience);
		if (fd >= 0)
			return fd;
		bool nobody = errno == ECONNREFUSED || errno == ENOENT || errno == EINTR;
		if (!nobody || clock_ms() >= deadline)
			return -1;
		poll(NULL, 0, RETRY_EVERY);
	}
}

bool
socket_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0;
}

void
peers_add(struct peers *p, const char *user)
{
	const struct passwd *entry = socket_one_identity ? NULL : getpwnam(user);
	if (entry != NULL && p->count < PEERS_MOST)
		p->uids[p->count++] = entry->pw_uid;
}

static bool
uid_allowed(const struct peers *p, uid_t uid)
{
	if (p->everybody || uid == 0 || (socket_one_identity && uid == geteuid()))
		return true;
	for (size_t i = 0; i < p->count; i++)
		if (p->uids[i] == uid)
			return true;
	return false;
}

bool
peers_allow(const struct peers *p, int connection, const char *socket_name)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && uid_allowed(p, who.uid))
		return true;
	log_warning("peer-refused", log_text("socket", socket_name), log_number("uid", (int64_t)who.uid),
	    log_number("pid", who.pid));
	return false;
}
