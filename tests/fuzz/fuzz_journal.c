/* A journal file of any bytes: its records are found within it or not at all, and only what agrees is read. Also the notes of what has ended. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue/ended.h"
#include "queue/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY  0xa5a5a5a5a5a5a5a5u
#define SIZE (16 * JOURNAL_BLOCK)

/* Each 64 bytes of the input stand at the beginning of a block of their own, so that lines are where lines are looked for. */
static void
read_journal(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct journal_record r;
	uint64_t key = KEY;
	off_t at = JOURNAL_BLOCK;
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || ftruncate(fd, SIZE) < 0)
		return;
	for (size_t i = 0; i * 64 < size && i < SIZE / JOURNAL_BLOCK; i++)
		if (pwrite(fd, data + i * 64, size - i * 64 < 64 ? size - i * 64 : 64, (off_t)(i * JOURNAL_BLOCK)) < 0)
			return;
	if (journal_look(fd, &key) == JOURNAL_BLANK)
		key = KEY;
	while (journal_next(fd, SIZE, key, &at, &r) > 0) {
		if (r.at + (off_t)r.len > SIZE || at > SIZE || at <= r.at)
			abort();
		free(journal_read(fd, key, &r));
	}
}

static void
read_notes(const uint8_t *data, size_t size)
{
	static int directory = -1;
	static char path[] = "/tmp/postern-fuzz-ended-XXXXXX";
	struct ended e;
	if (directory < 0 && mkdtemp(path) != NULL)
		directory = open(path, O_RDONLY | O_DIRECTORY);
	int fd = openat(directory, "ended", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	if (!ended_read(directory, &e))
		abort();
	for (size_t i = 0; i < e.count; i++)
		if (!ended_has(&e, e.ids[i]))
			abort();
	ended_free(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 8 == 0)
		read_notes(data + 1, size - 1);
	else
		read_journal(data + 1, size - 1);
	return 0;
}
