/*
 * Deliveries into Maildirs without any program around them: what the store's
 * syncs cost, one message at a time and in groups, beside other ways that were
 * thought of. Counts its own syncs.
 *
 *     deliveries DIRECTORY MESSAGES MAILBOXES GROUP [store|syncfs|plain|none] [BYTES]
 *
 * store   lib/store/save.h, GROUP messages together
 * syncfs  the same steps with one syncfs(2) for all files of a group and one for all names
 * plain   fsync of each file and of each directory, no hint before (what the hint brings)
 * none    no syncs at all: the floor
 *
 * Prints messages a second, syncs a message, and processor milliseconds a message.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/save.h"

#define GROUP_ROOM 64

static struct save   saves[GROUP_ROOM];
static struct folder folders[GROUP_ROOM];
static struct maildir maildirs[GROUP_ROOM];
static unsigned long syncs;
static int           root;

static void
fail(const char *what)
{
	perror(what);
	exit(111);
}

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
processor(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
open_mailbox(unsigned i, unsigned mailbox)
{
	char path[64];
	snprintf(path, sizeof path, "bench.test/%u/", mailbox);
	if (!maildir_open(&maildirs[i], root, path, true) || !folder_open(&folders[i], &maildirs[i], slice_of("INBOX"), true))
		fail("the Maildir");
}

static void
close_mailbox(unsigned i)
{
	folder_close(&folders[i]);
	maildir_close(&maildirs[i]);
}

static void
write_one(unsigned i, const char *text, size_t len)
{
	if (!save_begin(&saves[i], &folders[i]))
		fail("tmp");
	save_write(&saves[i], text, len);
}

static void
finish_store(unsigned count)
{
	struct save *all[GROUP_ROOM];
	for (unsigned i = 0; i < count; i++)
		all[i] = &saves[i];
	save_finish_all(all, count);
	for (unsigned i = 0; i < count; i++)
		if (saves[i].trouble != 0)
			fail("finish");
}

enum way { STORE, SYNCFS, PLAIN, NONE };

static void
settle(enum way way, int fd)
{
	if (way == NONE)
		return;
	syncs++;
	if ((way == SYNCFS ? syncfs(fd) : fsync(fd)) < 0)
		fail("sync");
}

static void
finish_by_hand(enum way way, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		save_complete(&saves[i]);
	for (unsigned i = 0; i < (way == SYNCFS ? 1 : count); i++)
		settle(way, saves[i].fd);
	for (unsigned i = 0; i < count; i++)
		if (renameat(saves[i].tmp, saves[i].name, saves[i].fresh, saves[i].name) < 0)
			fail("rename");
	for (unsigned i = 0; i < (way == SYNCFS ? 1 : count); i++)
		settle(way, saves[i].fresh);
	for (unsigned i = 0; i < count; i++)
		close(saves[i].fd);
}

int
main(int argc, char **argv)
{
	static const char *const ways[] = {"store", "syncfs", "plain", "none"};
	if (argc < 5)
		return 100;
	unsigned messages = (unsigned)atol(argv[2]), mailboxes = (unsigned)atol(argv[3]), group = (unsigned)atol(argv[4]);
	enum way way = STORE;
	for (int i = 0; i < 4 && argc > 5; i++)
		if (strcmp(argv[5], ways[i]) == 0)
			way = (enum way)i;
	size_t len = argc > 6 ? (size_t)atol(argv[6]) : 4000;
	char *text = malloc(len);
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || text == NULL || group == 0 || group > GROUP_ROOM || mailboxes == 0)
		fail(argv[1]);
	memset(text, 'x', len);
	for (unsigned i = 0; i < mailboxes; i++) {
		open_mailbox(0, i);
		close_mailbox(0);
	}
	double began = now(), used = processor();
	for (unsigned done = 0; done < messages;) {
		unsigned count = messages - done < group ? messages - done : group;
		for (unsigned i = 0; i < count; i++) {
			open_mailbox(i, (done + i) % mailboxes);
			write_one(i, text, len);
		}
		if (way == STORE)
			finish_store(count);
		else
			finish_by_hand(way, count);
		for (unsigned i = 0; i < count; i++)
			close_mailbox(i);
		done += count;
	}
	double took = now() - began;
	used = processor() - used;
	printf("%-6s group %2u mailboxes %4u: %8.0f messages/s, %.2f syncs and %.3f ms of processor a message\n", ways[way], group, mailboxes,
	    messages / took, way == STORE ? 0.0 : (double)syncs / messages, used * 1000 / messages);
	return 0;
}
