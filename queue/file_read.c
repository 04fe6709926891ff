#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/file.h"
#include "lib/base/number.h"
#include "queue/checksum.h"
#include "queue/file.h"

#define FIRST_READ 4096 /* holds the whole header of most messages */
#define PIECE      65536

struct mark {
	uint64_t header_size, message_size;
	uint32_t header_sum, message_sum;
	bool     offered;
};

static bool
is_blank(const char *line, size_t len)
{
	if (len < FILE_MARK_LEN || memcmp(line, "postern-queue 1 -", 17) == 0)
		return true;
	for (size_t i = 0; i < FILE_MARK_LEN; i++)
		if (line[i] != '\0')
			return false;
	return true;
}

static bool
parse_sum(struct slice text, uint32_t *sum)
{
	static const char hex[] = "0123456789abcdef";
	*sum = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *at = memchr(hex, text.data[i], 16);
		if (at == NULL)
			return false;
		*sum = *sum << 4 | (uint32_t)(at - hex);
	}
	return text.len == 8;
}

static bool
parse_mark(struct slice line, struct mark *m)
{
	struct slice s = line;
	struct slice word[6] = {0};
	size_t words = 0;
	while (words < 6 && slice_split(&s, ' ', &word[words]))
		words++;
	m->offered = slice_is(word[1], "0");
	return words == 6 && slice_is(word[0], "postern-queue") && (m->offered || slice_is(word[1], "1")) &&
	    number_parse(word[2], FILE_HEADER_MOST, &m->header_size) && m->header_size > FILE_MARK_LEN + FILE_TRIES_LEN &&
	    number_parse(word[3], INT64_MAX / 2, &m->message_size) && parse_sum(word[4], &m->header_sum) &&
	    parse_sum(slice_first(word[5], 8), &m->message_sum) && line.data[FILE_MARK_LEN - 1] == '\n';
}

/* Reads the header's bytes into f->header. */
static enum file_result
load_header(int fd, struct queue_file *f, struct mark *m)
{
	char first[FIRST_READ];
	ssize_t n;
	do
		n = pread(fd, first, sizeof first, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return FILE_TROUBLE;
	if (is_blank(first, (size_t)n))
		return FILE_UNCOMMITTED;
	if (!parse_mark(slice_make(first, FILE_MARK_LEN), m))
		return FILE_DAMAGED;
	f->offered = m->offered;
	size_t size = (size_t)m->header_size;
	f->header = malloc(size + 1);
	if (f->header == NULL)
		return FILE_TROUBLE;
	size_t have = (size_t)n < size ? (size_t)n : size;
	memcpy(f->header, first, have);
	f->header[size] = '\0';
	if (have == size || file_read_at(fd, f->header + have, size - have, (off_t)have))
		return FILE_OK;
	/* One that has lost its end, or one that cannot be read now. */
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_size < (off_t)size ? FILE_DAMAGED : FILE_TROUBLE;
}

static enum file_result
check_message(int fd, const struct queue_file *f, uint32_t wanted)
{
	char piece[PIECE];
	uint32_t sum = 0;
	uint64_t done = 0;
	while (done < f->message_size) {
		size_t len = f->message_size - done < sizeof piece ? (size_t)(f->message_size - done) : sizeof piece;
		if (!file_read_at(fd, piece, len, (off_t)(f->header_size + done)))
			return FILE_TROUBLE;
		sum = checksum_add(sum, piece, len);
		done += len;
	}
	return sum == wanted ? FILE_OK : FILE_DAMAGED;
}

static void
parse_tries(struct queue_file *f)
{
	/* Changed in place and without a sum: when it is torn, the time is now. */
	struct slice line = slice_make(f->header + FILE_MARK_LEN, FILE_TRIES_LEN - 1);
	uint64_t tries = 0, next = 0;
	bool ok = slice_starts(line, "tries ") && number_parse(slice_first(slice_from(line, 6), 4), 9999, &tries) &&
	    number_parse(slice_from(line, 16), 9999999999, &next);
	f->tries = ok ? (unsigned)tries : 0;
	f->next = ok ? next : 0;
	struct slice turn = slice_first(slice_from(line, FILE_TURN_AT), 4), why;
	f->told = ok && slice_is(turn, FILE_TURN_HELD);
	f->released = ok && slice_is(turn, FILE_TURN_FREE);
	/* A message that came to be held stays so whatever is torn: only the whole word frees it. */
	f->held = f->told || (!f->released && queue_file_with(f, "hold", &why));
}

/* "<...>" with escapes, in place. */
static bool
take_address(char *text, size_t len, struct slice *address)
{
	if (len < 2 || text[0] != '<' || text[len - 1] != '>')
		return false;
	size_t inner = len - 2;
	if (!queue_file_unescape(text + 1, &inner))
		return false;
	*address = slice_make(text + 1, inner);
	return true;
}

static struct slice
take_line(char **at, char *end)
{
	char *start = *at;
	char *stop = memchr(start, '\n', (size_t)(end - start));
	if (stop == NULL)
		stop = end;
	*at = stop < end ? stop + 1 : end;
	return slice_make(start, (size_t)(stop - start));
}

static bool
parse_fixed_lines(struct queue_file *f, char **at, char *end)
{
	struct slice line = take_line(at, end);
	uint64_t arrival = 0;
	if (!slice_starts(line, "id ") || !id_parse(slice_from(line, 3), &f->id))
		return false;
	line = take_line(at, end);
	if (!slice_starts(line, "arrival ") || !number_parse(slice_from(line, 8), INT64_MAX, &arrival))
		return false;
	f->arrival = arrival;
	line = take_line(at, end);
	return slice_starts(line, "sender ") && take_address((char *)(uintptr_t)line.data + 7, line.len - 7, &f->sender);
}

static bool
parse_header(struct queue_file *f)
{
	char *at = f->header + FILE_MARK_LEN + FILE_TRIES_LEN;
	char *end = f->header + f->header_size;
	if (!parse_fixed_lines(f, &at, end))
		return false;
	char *with = at;
	while (end - at > 5 && memcmp(at, "with ", 5) == 0)
		take_line(&at, end);
	f->with = slice_make(with, (size_t)(at - with));
	if (end[-1] != '\n' || end - at < 2)
		return false;
	return queue_file_parse_recipients(f, at, (size_t)(end - 1 - at), at - f->header, NO_PARENT) && f->count > 0;
}

/* Reads the block at f->end. False: there is none, or none that is whole; or it cannot be read now (*trouble; errno). */
static bool
load_block(int fd, off_t size, struct queue_file *f, bool *trouble)
{
	char first[128];
	if (size - f->end < 16)
		return false;
	ssize_t n = pread(fd, first, sizeof first, f->end);
	*trouble = n < 0;
	struct slice rest = slice_make(first, n > 0 ? (size_t)n : 0);
	struct slice line, word[5] = {0};
	bool copies = slice_starts(rest, "bcc ");
	if ((!copies && !slice_starts(rest, "expand ")) || !slice_split(&rest, '\n', &line))
		return false;
	size_t first_len = line.len + 1;
	for (size_t i = 0; i < 5; i++)
		if (!slice_split(&line, ' ', &word[i]))
			return false;
	uint64_t parent, count, len;
	uint32_t sum;
	if (!number_parse(word[1], f->count - 1, &parent) || !number_parse(word[2], FILE_RECIPIENTS_MOST, &count) ||
	    !number_parse(word[3], FILE_BLOCK_MOST, &len) || !parse_sum(word[4], &sum) ||
	    (off_t)len > size - f->end - (off_t)first_len || (copies ? f->copied : f->recipients[parent].expanded))
		return false;
	uint32_t of = copies ? NO_PARENT : (uint32_t)parent;
	char **blocks = reallocarray(f->blocks, f->block_count + 1, sizeof *blocks);
	*trouble = blocks == NULL;
	if (*trouble)
		return false;
	f->blocks = blocks;
	char *lines = f->blocks[f->block_count] = malloc(len + 1);
	*trouble = lines == NULL;
	if (*trouble)
		return false;
	f->block_count++;
	size_t before = f->count;
	off_t lines_at = f->end + (off_t)first_len;
	*trouble = !file_read_at(fd, lines, len, lines_at);
	if (*trouble || queue_file_sum_lines(of, slice_make(lines, len)) != sum ||
	    !queue_file_parse_recipients(f, lines, len, lines_at, of) || f->count - before != count) {
		f->count = before;
		return false;
	}
	if (copies) {
		f->copied = true;
	} else {
		f->recipients[parent].expanded = true;
		f->recipients[parent].targets = (uint32_t)count;
	}
	f->end = lines_at + (off_t)len;
	return true;
}

bool
queue_file_envelope_size(int fd, uint64_t file_size, uint64_t *size)
{
	char line[FILE_MARK_LEN];
	struct mark m;
	if (!file_read_at(fd, line, sizeof line, 0) || !parse_mark(slice_make(line, sizeof line), &m) || m.message_size > file_size)
		return false;
	*size = file_size - m.message_size;
	return true;
}

static enum file_result
read_file(int fd, bool verify, struct queue_file *f)
{
	struct mark m;
	enum file_result r = load_header(fd, f, &m);
	if (r != FILE_OK)
		return r;
	f->header[FILE_WORD_AT] = FILE_ANSWERED;
	struct slice all = slice_make(f->header, (size_t)m.header_size);
	uint32_t sum = checksum_add(0, all.data, FILE_MARK_LEN - 18);
	if (queue_file_sum_lines(sum, slice_from(all, FILE_MARK_LEN + FILE_TRIES_LEN)) != m.header_sum)
		return FILE_DAMAGED;
	f->header_size = (size_t)m.header_size;
	f->message_size = m.message_size;
	f->end = (off_t)(m.header_size + m.message_size);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return FILE_TROUBLE;
	if (!parse_header(f) || st.st_size < f->end)
		return FILE_DAMAGED;
	parse_tries(f);
	if (verify && (r = check_message(fd, f, m.message_sum)) != FILE_OK)
		return r;
	/* A block that is there and cannot be read is not as if absent: the next one would be written over it. */
	bool trouble = false;
	while (st.st_size > f->end && load_block(fd, st.st_size, f, &trouble))
		;
	return trouble ? FILE_TROUBLE : FILE_OK;
}

enum file_result
queue_file_read(int fd, bool verify, struct queue_file *f)
{
	memset(f, 0, sizeof *f);
	enum file_result r = read_file(fd, verify, f);
	if (r == FILE_DAMAGED && f->offered)
		r = FILE_UNCOMMITTED;
	if (r != FILE_OK) {
		int saved = errno;
		queue_file_free(f);
		errno = saved;
	}
	return r;
}

void
queue_file_free(struct queue_file *f)
{
	free(f->header);
	free(f->recipients);
	for (size_t i = 0; i < f->block_count; i++)
		free(f->blocks[i]);
	free(f->blocks);
	memset(f, 0, sizeof *f);
}
