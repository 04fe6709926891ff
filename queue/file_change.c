/*
 * Changes in place. Each is one pwrite(2) and none is synced: STATES.md says
 * why losing one in a power cut costs a repetition and never a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "queue/file.h"
#include "queue/retry.h"

static void
put_field(char *at, size_t width, const char *text)
{
	size_t len = strlen(text);
	if (len > width)
		len = width;
	memcpy(at, text, len);
	memset(at + len, ' ', width - len);
}

bool
queue_file_mark(int fd, struct file_recipient *r, enum recipient_status status, const struct outcome *o)
{
	if (status == RECIPIENT_PENDING && queue_file_is_pending(r))
		status = r->status;
	r->fields[0] = (char)status;
	put_field(r->fields + 2, FILE_CODE_WIDTH, o->code);
	put_field(r->fields + 2 + FILE_CODE_WIDTH + 1, FILE_TEXT_WIDTH, o->text);
	r->status = status;
	queue_file_read_fields(r);
	return file_write_at(fd, r->fields, FILE_FIELDS_WIDTH, r->at);
}

bool
queue_file_commit(int fd)
{
	return file_write_at(fd, (const char[]){FILE_ANSWERED}, 1, FILE_WORD_AT);
}

bool
queue_file_mark_status(int fd, struct file_recipient *r, enum recipient_status status)
{
	r->status = status;
	r->fields[0] = (char)status;
	return file_write_at(fd, r->fields, 1, r->at);
}

static bool
write_turn(int fd, unsigned tries, const char *turn, uint64_t next)
{
	char line[FILE_TRIES_LEN + 1];
	snprintf(line, sizeof line, FILE_TRIES_FORMAT, tries, turn, (unsigned long long)next);
	return file_write_at(fd, line, FILE_TRIES_LEN, FILE_MARK_LEN);
}

bool
queue_file_retry(int fd, struct queue_file *f, unsigned tries, uint64_t next)
{
	f->tries = tries > RETRY_TRIES_MOST ? RETRY_TRIES_MOST : tries;
	f->next = next > 9999999999 ? 9999999999 : next;
	return write_turn(fd, f->tries, f->released ? FILE_TURN_FREE : FILE_TURN_NEXT, f->next);
}

bool
queue_file_hold(int fd)
{
	return write_turn(fd, 0, FILE_TURN_HELD, 0);
}

bool
queue_file_release(int fd)
{
	return write_turn(fd, 0, FILE_TURN_FREE, 0);
}

static bool
keep_block(struct queue_file *f, char *block)
{
	char **blocks = reallocarray(f->blocks, f->block_count + 1, sizeof *blocks);
	if (blocks == NULL)
		return false;
	f->blocks = blocks;
	f->blocks[f->block_count++] = block;
	return true;
}

/*
 * What stands behind the last whole block was torn. It goes before another block is written there, and durably: a status or a
 * block of the old ones that outlives a second power cut beneath the new lines would be taken for one of theirs.
 */
static bool
cut_torn(int fd, off_t end)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return false;
	return st.st_size <= end || (ftruncate(fd, end) == 0 && fdatasync(fd) == 0);
}

/* `of`: the alias that the lines stand for, or NO_PARENT. */
static bool
append_block(int fd, struct queue_file *f, uint32_t of, struct slice lines, size_t count)
{
	struct str block = STR_MOST(FILE_BLOCK_MOST + 128);
	str_append_format(&block, "%s %u %zu %08zu %08x\n", of == NO_PARENT ? "bcc" : "expand", of == NO_PARENT ? 0 : of, count, lines.len,
	    (unsigned)queue_file_sum_lines(of, lines));
	off_t lines_at = f->end + (off_t)block.len;
	str_append_slice(&block, lines);
	bool ok = !block.failed && cut_torn(fd, f->end) && file_write_at(fd, block.data, block.len, f->end);
	str_free(&block);
	if (ok)
		f->end = lines_at + (off_t)lines.len;
	return ok;
}

/* Writes the block and takes its recipients in. The lines become the file's own. */
static bool
add_block(int fd, struct queue_file *f, uint32_t of, struct str *lines, size_t count)
{
	off_t end = f->end;
	size_t count_before = f->count;
	bool ok = !lines->failed && append_block(fd, f, of, str_slice(lines), count);
	if (ok && lines->len > 0) {
		off_t lines_at = f->end - (off_t)lines->len;
		ok = queue_file_parse_recipients(f, lines->data, lines->len, lines_at, of) && keep_block(f, lines->data);
		lines->data = ok ? NULL : lines->data;
	}
	if (!ok) {
		/* What stands behind the end is not ours any more; the caller tries again later from a fresh reading. */
		f->end = end;
		f->count = count_before;
	}
	free(lines->data);
	return ok;
}

bool
queue_file_expand(int fd, struct queue_file *f, uint32_t parent, const struct file_target *targets, size_t count)
{
	struct str lines = STR_MOST(FILE_BLOCK_MOST);
	for (size_t i = 0; i < count; i++) {
		queue_file_build_recipient(&lines, targets[i].address);
		if (targets[i].final)
			queue_file_build_key(&lines, slice_of("final=yes"));
		if (targets[i].anew)
			queue_file_build_key(&lines, slice_of("anew=yes"));
		queue_file_build_recipient_end(&lines);
	}
	bool ok = add_block(fd, f, parent, &lines, count);
	f->recipients[parent].expanded = ok;
	f->recipients[parent].targets = ok ? (uint32_t)count : 0;
	return ok;
}

bool
queue_file_copy(int fd, struct queue_file *f, const struct slice *addresses, size_t count)
{
	struct str lines = STR_MOST(FILE_BLOCK_MOST);
	for (size_t i = 0; i < count; i++) {
		queue_file_build_recipient(&lines, addresses[i]);
		queue_file_build_key(&lines, slice_of("notify=NEVER"));
		queue_file_build_recipient_end(&lines);
	}
	f->copied = add_block(fd, f, NO_PARENT, &lines, count);
	return f->copied;
}
