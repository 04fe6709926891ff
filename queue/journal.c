#include "queue/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/number.h"
#include "queue/checksum.h"
#include "queue/id.h"

#define HEAD_FORMAT   "postern-journal 1 %016llx %s\n"
#define HEAD_LEN      40
#define KEY_AT        18
#define LINE_FORMAT   "record %016llx %s %08zu "
#define LINE_SUMMED   47 /* the line up to its sum */
#define PIECE         65536

static const char zeros[JOURNAL_BLOCK];

static void
name_of(unsigned number, char name[2])
{
	name[0] = (char)('0' + number % 10);
	name[1] = '\0';
}

int
journal_open(const struct queue_directory *d, unsigned number)
{
	char name[2];
	name_of(number, name);
	return openat(d->journal, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

void
journal_remove(const struct queue_directory *d, unsigned number)
{
	char name[2];
	name_of(number, name);
	unlinkat(d->journal, name, 0);
}

static bool
fill(int fd, uint64_t size)
{
	static const char piece[PIECE];
	for (uint64_t at = 0; at < size; at += sizeof piece) {
		size_t len = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;
		if (!file_write_at(fd, piece, len, (off_t)at))
			return false;
	}
	return fsync(fd) == 0;
}

bool
journal_make(const struct queue_directory *d, unsigned number, uint64_t size)
{
	char name[2];
	name_of(number, name);
	int fd = openat(d->journal, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool ok = fill(fd, size) && fsync(d->journal) == 0;
	int saved = errno;
	close(fd);
	if (!ok)
		journal_remove(d, number);
	errno = saved;
	return ok;
}

static bool
parse_hex(struct slice text, uint64_t *value)
{
	static const char hex[] = "0123456789abcdef";
	*value = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *at = memchr(hex, text.data[i], 16);
		if (at == NULL)
			return false;
		*value = *value << 4 | (uint64_t)(at - hex);
	}
	return true;
}

enum journal_state
journal_look(int fd, uint64_t *key)
{
	char head[HEAD_LEN];
	struct stat st;
	if (fstat(fd, &st) < 0)
		return JOURNAL_TROUBLE;
	if (st.st_size < HEAD_LEN)
		return JOURNAL_BLANK;
	if (!file_read_at(fd, head, sizeof head, 0))
		return JOURNAL_TROUBLE;
	struct slice s = slice_make(head, sizeof head);
	/* One that is torn was never synced, so nothing behind it was answered. */
	if (!slice_starts(s, "postern-journal 1 ") || !parse_hex(slice_first(slice_from(s, KEY_AT), 16), key))
		return JOURNAL_BLANK;
	return slice_starts(slice_from(s, KEY_AT + 17), "kept") ? JOURNAL_KEPT : JOURNAL_USED;
}

static bool
write_head(int fd, uint64_t key, const char *word)
{
	char block[JOURNAL_BLOCK] = {0};
	snprintf(block, sizeof block, HEAD_FORMAT, (unsigned long long)key, word);
	return file_write_at(fd, block, sizeof block, 0);
}

bool
journal_begin_round(int fd, uint64_t key)
{
	return write_head(fd, key, "used");
}

bool
journal_keep(int fd, uint64_t key)
{
	return write_head(fd, key, "kept");
}

bool
journal_end_round(int fd)
{
	return file_write_at(fd, zeros, sizeof zeros, 0) && fdatasync(fd) == 0;
}

static uint64_t
whole_blocks(uint64_t bytes)
{
	return (bytes + JOURNAL_BLOCK - 1) / JOURNAL_BLOCK * JOURNAL_BLOCK;
}

uint64_t
journal_room(struct slice header, struct slice message)
{
	return whole_blocks(JOURNAL_LINE_LEN + header.len + message.len);
}

/* Short writes do not happen to files but on a full disk, and a journal has its blocks: one is an error. */
static bool
write_parts(int fd, struct iovec *parts, int count, size_t total, off_t at)
{
	ssize_t n;
	do
		n = pwritev(fd, parts, count, at);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n != total)
		errno = EIO;
	return n >= 0 && (size_t)n == total;
}

bool
journal_write(int fd, off_t at, uint64_t key, uint64_t id, struct slice header, struct slice message)
{
	char name[ID_LETTERS + 1], line[JOURNAL_LINE_LEN + 1];
	size_t len = header.len + message.len, room = (size_t)journal_room(header, message);
	id_print(id, name);
	snprintf(line, sizeof line, LINE_FORMAT, (unsigned long long)key, name, len);
	uint32_t sum = checksum_add(0, line, LINE_SUMMED);
	sum = checksum_add(checksum_add(sum, header.data, header.len), message.data, message.len);
	snprintf(line + LINE_SUMMED, sizeof line - LINE_SUMMED, "%08x\n", (unsigned)sum);
	/* Whole blocks: no old one has to be read for the rest of it. */
	struct iovec parts[4] = {{line, JOURNAL_LINE_LEN}, {(void *)(uintptr_t)header.data, header.len},
	    {(void *)(uintptr_t)message.data, message.len}, {(void *)(uintptr_t)zeros, room - JOURNAL_LINE_LEN - len}};
	return write_parts(fd, parts, 4, room, at);
}

static bool
parse_line(struct slice line, uint64_t key, struct journal_record *r)
{
	struct slice word[5] = {0};
	uint64_t its_key, len, sum;
	if (line.data[line.len - 1] != '\n')
		return false;
	line.len--;
	for (size_t i = 0; i < 5; i++)
		if (!slice_split(&line, ' ', &word[i]))
			return false;
	if (!slice_is(word[0], "record") || word[1].len != 16 || !parse_hex(word[1], &its_key) || its_key != key ||
	    !id_parse(word[2], &r->id) || !number_parse(word[3], JOURNAL_RECORD_MOST, &len) || word[3].len != 8 || word[4].len != 8 ||
	    !parse_hex(word[4], &sum))
		return false;
	r->len = (size_t)len;
	r->sum = (uint32_t)sum;
	return true;
}

int
journal_next(int fd, uint64_t size, uint64_t key, off_t *at, struct journal_record *r)
{
	char line[JOURNAL_LINE_LEN];
	for (; (uint64_t)*at + JOURNAL_BLOCK <= size; *at += JOURNAL_BLOCK) {
		if (!file_read_at(fd, line, sizeof line, *at))
			return -1;
		if (!parse_line(slice_make(line, sizeof line), key, r) || (uint64_t)*at + JOURNAL_LINE_LEN + r->len > size)
			continue;
		r->at = *at + JOURNAL_LINE_LEN;
		*at += (off_t)whole_blocks(JOURNAL_LINE_LEN + r->len);
		return 1;
	}
	return 0;
}

char *
journal_read(int fd, uint64_t key, const struct journal_record *r)
{
	char name[ID_LETTERS + 1], line[JOURNAL_LINE_LEN + 1];
	char *bytes = malloc(r->len + 1);
	if (bytes == NULL)
		return NULL;
	id_print(r->id, name);
	snprintf(line, sizeof line, LINE_FORMAT, (unsigned long long)key, name, r->len);
	bool read = file_read_at(fd, bytes, r->len, r->at);
	if (read && checksum_add(checksum_add(0, line, LINE_SUMMED), bytes, r->len) == r->sum) {
		bytes[r->len] = '\0';
		return bytes;
	}
	if (read)
		errno = EBADMSG;
	free(bytes);
	return NULL;
}
