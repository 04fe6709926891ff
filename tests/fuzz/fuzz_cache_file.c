/*
 * The cache's file as a stranger may have left it: it is walked and asked, and
 * what comes out lies within the bytes and bears its checksum. Beside it what
 * the writer takes from packets. The first byte chooses: bit 0 puts the rest
 * behind a cdb's head that leads to it (with a right mark), so that records and
 * tables are reached; bit 1 takes it as a packet's records.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cache_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(struct slice whole, const struct cache_record *r)
{
	assert(r->key.data >= whole.data && r->value.data >= r->key.data + r->key.len);
	assert(r->value.data + r->value.len <= whole.data + whole.len);
	assert(r->state == FACT_FOUND || r->value.len == 0);
}

static void
walk(const struct cache_file *f)
{
	struct slice whole = slice_make(f->bytes, f->len);
	struct cache_record r;
	size_t steps = 0;
	for (size_t at = 0; ;) {
		enum cache_lookup l = cache_file_next(f, &at, &r);
		assert(at <= f->len && steps++ <= f->len / 8);
		if (l == CACHE_ABSENT)
			return;
		if (l == CACHE_PRESENT)
			look_at(whole, &r);
	}
}

static void
ask(const struct cache_file *f, struct slice key)
{
	struct cache_record r;
	for (enum map map = 0; map < MAP_COUNT; map++)
		if (cache_file_find(f, map, key, &r) == CACHE_PRESENT) {
			look_at(slice_make(f->bytes, f->len), &r);
			assert(slice_equal(r.key, key));
		}
}

static void
read_file(char *bytes, size_t len, bool whatever)
{
	struct cache_file f = {.bytes = bytes, .len = len, .got = len, .fd = -1};
	const char *why;
	if (!cache_file_check(&f, &why) && (!whatever || f.data_end < 2048 || f.data_end > len))
		return;
	walk(&f);
	ask(&f, slice_of("ann@example.org"));
	ask(&f, slice_make(NULL, 0));
}

static void
put32(char *to, size_t n)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(n >> 8 * i);
}

/* A head whose tables are all one, at a place that the input chooses. */
static void
read_behind_a_head(const uint8_t *data, size_t size)
{
	size_t len = 2048 + size;
	char *bytes = malloc(len);
	if (bytes == NULL)
		return;
	memcpy(bytes + 2048, data, size);
	size_t end = size >= 2 ? (size_t)(data[0] | data[1] << 8) % (size + 1) : 0;
	for (size_t i = 0; i < 256; i++) {
		put32(bytes + i * 8, 2048 + end);
		put32(bytes + i * 8 + 4, (size - end) / 8);
	}
	read_file(bytes, len, true);
	free(bytes);
}

static void
take_pieces(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	if (copy == NULL)
		return;
	memcpy(copy, data, size);
	struct slice whole = slice_make(copy, size), rest = whole;
	for (struct slice bytes; cache_piece_take(&rest, &bytes);) {
		struct cache_record r;
		if (cache_record_parse(bytes, &r))
			look_at(whole, &r);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	uint8_t how = data[0];
	data++;
	size--;
	if (how & 2) {
		take_pieces(data, size);
	} else if (how & 1) {
		read_behind_a_head(data, size);
	} else if (size > 0) {
		char *copy = malloc(size);
		if (copy != NULL) {
			memcpy(copy, data, size);
			read_file(copy, size, false);
		}
		free(copy);
	}
	return 0;
}
