#include "lib/front/encrypt.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"

bool
encrypt_client(int *tlsd, int patience, const char *id, const char *client, struct input *in, struct output *out,
    struct tls_facts *facts)
{
	int plain = tls_accept(*tlsd, STDIN_FILENO, id, patience, facts);
	close(*tlsd);
	*tlsd = -1;
	/* With these two the client's own descriptor is gone: nothing can be said in the clear any more. */
	if (plain < 0 || dup2(plain, STDIN_FILENO) < 0 || dup2(plain, STDOUT_FILENO) < 0) {
		log_info("tls-failed", log_text("client", client), log_text("reason", facts->reason));
		/* A tlsd that stands still holds the connection too: the client is not to wait for it. */
		shutdown(STDIN_FILENO, SHUT_RDWR);
		return false;
	}
	close(plain);
	in->start = in->end = 0;
	out->len = 0;
	return true;
}
