#include "lib/front/syslog.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/program.h"

/* One datagram a line; its beginning "postern-smtpd: info: ..." is what syslog takes for the tag. */
static int
open_syslog(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return open("/dev/null", O_WRONLY);
}

static bool
is_the_client(void)
{
	struct stat client, log;
	/* The log first: mostly it is a pipe, and that was all. */
	if (fstat(STDERR_FILENO, &log) < 0 || !S_ISSOCK(log.st_mode) || fstat(STDIN_FILENO, &client) < 0)
		return false;
	return client.st_dev == log.st_dev && client.st_ino == log.st_ino;
}

void
log_beside_client(void)
{
	if (!is_the_client())
		return;
	int fd = open_syslog();
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(EXIT_TEMPORARY);
	close(fd);
}
