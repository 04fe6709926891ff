#include "lib/front/tally.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipc/socket.h"

#define WORD_MOST 512 /* bytes; longer ones are cut, and so malformed */

bool
tally_open(struct tally *t)
{
	int pair[2];
	const int on = 1;
	*t = (struct tally){-1, -1};
	if (!socket_pair(pair))
		return false;
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) {
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	*t = (struct tally){pair[0], pair[1]};
	return true;
}

/* send(2) and not sendmsg(2): a session's filter has no more for its client. */
static void
say(int writing, const struct packet *p)
{
	if (writing >= 0 && !p->failed)
		send(writing, p->data, p->len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct packet word;

void
tally_user(int writing, const char *user)
{
	packet_begin(&word, "user");
	packet_add_text(&word, user);
	say(writing, &word);
}

void
tally_usage(int writing, uint64_t bytes, uint64_t messages)
{
	packet_begin(&word, "usage");
	packet_add_number(&word, bytes);
	packet_add_number(&word, messages);
	say(writing, &word);
}

static bool
writer_of(struct msghdr *m, pid_t *pid)
{
	struct ucred writer;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&writer, CMSG_DATA(c), sizeof writer);
		*pid = writer.pid;
		return true;
	}
	return false;
}

bool
tally_next(const struct tally *t, pid_t *pid, struct packet *p)
{
	union {
		struct cmsghdr header;
		char           room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {.iov_base = p->data, .iov_len = WORD_MOST};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	packet_begin(p, "");
	ssize_t n = recvmsg(t->reading, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return false;
	p->len = (size_t)n;
	p->at = 0;
	/* Descriptors that somebody sends along find no room in `control` and are closed by the kernel. */
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !writer_of(&m, pid)) {
		*pid = -1;
		packet_begin(p, "");
	}
	return true;
}
