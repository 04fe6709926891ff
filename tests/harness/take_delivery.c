/*
 * Stands in for postern-deliver as a worker of postern-queued (ARCHITECTURE.md):
 * keeps what it is given as files in the directory POSTERN_DELIVERED, and says
 * done. A file holds the fields of the request, each with its NUL, then the
 * message; it appears whole, by a rename, before the answer. The address
 * `slow@...` is deferred.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIELDS 8 /* deliver T QUEUE-ID SENDER ADDRESS ORIGINAL OFFSET LENGTH */

static ssize_t
receive(char *packet, size_t room, int *fd)
{
	union {
		struct cmsghdr head;
		char           room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {packet, room};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t n = recvmsg(0, &m, 0);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c != NULL)
		memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return n;
}

static void
keep(const char *fields, size_t len, int fd, off_t offset, size_t size)
{
	static int number;
	char made[4096], name[4096];
	char *text = malloc(size + 1);
	snprintf(made, sizeof made, "%s/.%d", getenv("POSTERN_DELIVERED"), getpid());
	snprintf(name, sizeof name, "%s/%d-%d", getenv("POSTERN_DELIVERED"), getpid(), number++);
	int out = open(made, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0 || text == NULL || pread(fd, text, size, offset) != (ssize_t)size ||
	    write(out, fields, len) != (ssize_t)len || write(out, text, size) != (ssize_t)size || rename(made, name) < 0)
		abort();
	close(out);
	free(text);
}

int
main(void)
{
	static char packet[65536 + 1];
	for (;;) {
		int fd = -1;
		ssize_t n = receive(packet, sizeof packet - 1, &fd);
		if (n <= 0)
			return 0;
		const char *field[FIELDS] = {0};
		size_t at = 0;
		for (int i = 0; i < FIELDS && at < (size_t)n; i++, at += strlen(packet + at) + 1)
			field[i] = packet + at;
		if (fd < 0 || field[FIELDS - 1] == NULL)
			abort();
		int later = strncmp(field[4], "slow@", 5) == 0;
		if (!later)
			keep(packet, (size_t)n, fd, atoll(field[6]), (size_t)atoll(field[7]));
		close(fd);
		char answer[200];
		int len = later ? snprintf(answer, sizeof answer, "result%c%s%cdeferred%c4.2.0%cnot now", 0, field[1], 0, 0, 0)
				: snprintf(answer, sizeof answer, "result%c%s%cdone%c2.0.0%ctaken", 0, field[1], 0, 0, 0);
		if (send(0, answer, (size_t)len + 1, 0) < 0)
			return 0;
	}
}
