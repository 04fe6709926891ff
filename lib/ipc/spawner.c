#include "lib/ipc/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/worker.h"

static bool
serve(int parent, struct packet *p)
{
	if (packet_receive_wait(parent, p, -1) != PACKET_OK || strcmp(packet_verb(p), "spawn") != 0)
		return false;
	int fd = worker_start("postern-deliver");
	packet_begin(p, fd >= 0 ? "ok" : "later");
	if (fd >= 0)
		packet_add_descriptor(p, fd);
	else
		packet_add_text(p, strerror(errno));
	bool sent = packet_send_wait(parent, p, -1) == PACKET_OK;
	if (fd >= 0)
		close(fd);
	return sent;
}

static void
set_limits(void)
{
	/* Only what the workers may inherit: they set their own. */
	struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
}

_Noreturn void
spawner_run(int parent)
{
	static struct packet p;
	log_session("part", "spawner");
	signal(SIGCHLD, SIG_IGN); /* ended workers leave nothing behind */
	set_limits();
	while (serve(parent, &p))
		;
	exit(EXIT_SUCCESS);
}

int
spawner_start(void)
{
	int pair[2];
	if (!socket_pair(pair))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		spawner_run(pair[1]);
	}
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	return -1;
}
