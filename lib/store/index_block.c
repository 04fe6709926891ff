/* Blocks and records of the index's file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/index_file.h"

/* A block, which mostly ends soon after INDEX_BLOCK_GOOD, fits. Not more: each of its pages is a page fault at the next command. */
#define WINDOW (INDEX_BLOCK_GOOD + 2048)
#define LONG_TEXT 64 /* bytes */

/* A bijection of the 64 bits for a given word, and of the word for a given sum. */
static inline uint64_t
sum_step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0xff51afd7ed558ccdu;
	return sum ^ sum >> 32;
}

static inline uint64_t
word_at(const unsigned char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return word;
}

/*
 * So two texts that differ in one word only never meet; the length is mixed in at the end. A step waits for the one before it:
 * of a long text four rows are made side by side, and put together at their ends. (In arrays gcc would make vectors of
 * them, which multiply more slowly.)
 */
uint64_t
index_sum(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t sum = seed ^ 0x9e3779b97f4a7c15u, word;
	if (len >= LONG_TEXT) {
		uint64_t a = sum, b = sum + 1, c = sum + 2, d = sum + 3;
		for (; len >= 4 * sizeof word; len -= 4 * sizeof word, at += 4 * sizeof word) {
			a = sum_step(a, word_at(at));
			b = sum_step(b, word_at(at + 8));
			c = sum_step(c, word_at(at + 16));
			d = sum_step(d, word_at(at + 24));
		}
		sum = sum_step(sum_step(sum_step(sum_step(sum, a), b), c), d);
	}
	for (; len >= sizeof word; len -= sizeof word, at += sizeof word)
		sum = sum_step(sum, word_at(at));
	word = (uint64_t)len << 56;
	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)at[i] << (8 * i);
	sum = (sum ^ word) * 0xc4ceb9fe1a85ec53u;
	return sum ^ sum >> 29;
}

bool
index_stamp_same(const struct index_stamp *a, const struct index_stamp *b)
{
	return a->inode == b->inode && a->size == b->size && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

struct index_stamp
index_stamp_of(const struct stat *st)
{
	return (struct index_stamp){.inode = st->st_ino, .size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
	    .seconds = st->st_mtim.tv_sec, .nanoseconds = st->st_mtim.tv_nsec};
}

/* --- reading ------------------------------------------------------------------------- */

/* Of files that were closed: who opens one folder after the other would have the kernel clear their pages each time. */
static struct index_window spare[2];

static bool
take_spare(struct index_window *w, size_t room)
{
	for (size_t i = 0; i < sizeof spare / sizeof *spare; i++)
		if (spare[i].room >= room) {
			free(w->bytes);
			*w = spare[i];
			spare[i] = (struct index_window){.bytes = NULL};
			return true;
		}
	return false;
}

/* Room for `len` bytes, and for more where there are more: that of a small file costs no pages of its own. */
static bool
make_window(struct index_window *w, size_t len, uint64_t most)
{
	size_t room = most < WINDOW ? (size_t)most + 1 : WINDOW;
	if (room < len)
		room = len;
	if (w->room >= room || take_spare(w, room))
		return true;
	free(w->bytes);
	w->bytes = malloc(room);
	w->room = w->bytes != NULL ? room : 0;
	w->len = 0;
	return w->bytes != NULL;
}

/* Reads what is there from `at` on, up to the end that the state names. */
static bool
fill_window(struct index_file *x, struct index_window *w, uint64_t at, size_t len)
{
	uint64_t most = x->state.end - at;
	if (!make_window(w, len, most))
		return false;
	size_t wanted = most < w->room ? (size_t)most : w->room;
	w->at = at;
	w->len = 0;
	while (w->len < len) {
		ssize_t n = pread(x->fd, w->bytes + w->len, wanted - w->len, (off_t)(at + w->len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		w->len += (size_t)n;
	}
	return true;
}

static bool
window_has(const struct index_window *w, uint64_t at, size_t len)
{
	return at >= w->at && at - w->at <= w->len && len <= w->len - (size_t)(at - w->at);
}

static const char *
bytes_through(struct index_file *x, struct index_window *w, uint64_t at, size_t len)
{
	if (at > x->state.end || len > x->state.end - at)
		return NULL;
	if (!window_has(w, at, len) && !fill_window(x, w, at, len))
		return NULL;
	return w->bytes + (at - w->at);
}

const char *
index_file_bytes(struct index_file *x, uint64_t at, size_t len)
{
	if (!window_has(&x->windows[x->last], at, len))
		x->last ^= 1;
	return bytes_through(x, &x->windows[x->last], at, len);
}

/* Who goes through the blocks never comes back to one: one window does. */
static const char *
next_bytes(struct index_file *x, uint64_t at, size_t len)
{
	x->last = 0;
	return bytes_through(x, &x->windows[0], at, len);
}

static void
rest(struct index_window windows[2])
{
	for (size_t i = 0; i < 2; i++) {
		free(windows[i].bytes);
		windows[i] = (struct index_window){.bytes = NULL};
	}
}

void
index_file_rest(struct index_file *x)
{
	rest(x->windows);
}

void
index_file_rest_spare(void)
{
	rest(spare);
}

void
index_file_spare(struct index_file *x)
{
	for (size_t i = 0; i < 2; i++) {
		struct index_window *w = &x->windows[i], before = spare[i];
		if (w->room <= before.room || w->room > WINDOW)
			continue;
		spare[i] = (struct index_window){.bytes = w->bytes, .room = w->room};
		*w = before;
	}
	rest(x->windows);
}

static uint64_t
block_sum(const struct index_block *b)
{
	return index_sum(b->id, (const char *)b + sizeof b->sum, sizeof *b - sizeof b->sum);
}

bool
index_file_block(struct index_file *x, uint64_t *at, enum index_kind *kind, struct slice *records, uint64_t *records_at)
{
	struct index_block b;
	const char *bytes = next_bytes(x, *at, sizeof b);
	if (bytes == NULL)
		return false;
	memcpy(&b, bytes, sizeof b);
	if (b.sum != block_sum(&b) || b.id != x->state.id || b.at != *at || b.len > INDEX_BLOCK_MOST)
		return false;
	*kind = (enum index_kind)b.kind;
	*records_at = *at + sizeof b;
	*records = slice_make(NULL, 0);
	if (b.len > x->state.end - *records_at)
		return false;
	*at = *records_at + b.len;
	if (*kind == INDEX_TEXTS)
		return true;
	bytes = next_bytes(x, *records_at, b.len);
	*records = slice_make(bytes, b.len);
	return bytes != NULL;
}

/* The place is no part of it: a block's records are found where its head says, and a compaction moves them. */
static uint64_t
record_sum(uint64_t id, enum index_kind kind, const char *record, size_t len)
{
	return index_sum(id + kind, record + sizeof(uint64_t), len - sizeof(uint64_t));
}

bool
index_record_next(const struct index_state *s, enum index_kind kind, struct slice *records, uint64_t *at, void *record,
    size_t size, struct slice *behind)
{
	struct index_record head;
	if (records->len < size)
		return false;
	memcpy(&head, records->data, sizeof head);
	if (head.len < size || head.len > records->len || head.len % sizeof(uint64_t) != 0)
		return false;
	if (head.sum != record_sum(s->id, kind, records->data, head.len))
		return false;
	memcpy(record, records->data, size);
	*behind = slice_make(records->data + size, head.len - size);
	*records = slice_from(*records, head.len);
	*at += head.len;
	return true;
}

/* --- writing ------------------------------------------------------------------------- */

bool
index_record_add(struct str *block, void *record, size_t size, struct slice behind)
{
	static const char padding[sizeof(uint64_t)];
	size_t len = size + behind.len, pad = (sizeof(uint64_t) - len % sizeof(uint64_t)) % sizeof(uint64_t);
	((struct index_record *)record)->len = (uint32_t)(len + pad);
	return str_reserve(block, len + pad) && str_append(block, record, size) && str_append_slice(block, behind)
	    && str_append(block, padding, pad);
}

static void
seal_records(uint64_t id, enum index_kind kind, struct str *block)
{
	struct index_record head;
	for (size_t at = 0; at < block->len; at += head.len) {
		memcpy(&head, block->data + at, sizeof head);
		uint64_t sum = record_sum(id, kind, block->data + at, head.len);
		memcpy(block->data + at, &sum, sizeof sum);
	}
}

bool
index_file_append(struct index_file *x, enum index_kind kind, struct str *block)
{
	struct index_block b = {.id = x->state.id, .at = x->state.end, .kind = kind, .len = (uint32_t)block->len};
	if (block->len == 0)
		return true;
	errno = EFBIG;
	if (block->failed || block->len > INDEX_BLOCK_MOST)
		return false;
	if (kind != INDEX_TEXTS)
		seal_records(x->state.id, kind, block);
	b.sum = block_sum(&b);
	if (!file_write_at(x->fd, &b, sizeof b, (off_t)b.at)
	    || !file_write_at(x->fd, block->data, block->len, (off_t)(b.at + sizeof b)))
		return false;
	x->state.end += sizeof b + block->len;
	str_clear(block);
	return true;
}
