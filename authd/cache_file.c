#include "authd/cache_file.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/users_cdb.h"

#define CONTENTS       2048 /* bytes of a cdb's head: position and length of 256 tables */
#define KEY_SIZE       8
#define CHECKSUM_SIZE  8
#define PROBES_MOST    4096 /* slots of a table that is half full are not probed that often: it is noise */

/* --- numbers ---------------------------------------------------------------------- */

static void
put(char *to, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (char)(number >> 8 * i);
}

static uint64_t
get(const char *from, size_t size)
{
	uint64_t number = 0;
	for (size_t i = 0; i < size; i++)
		number |= (uint64_t)(unsigned char)from[i] << 8 * i;
	return number;
}

/* --- records ---------------------------------------------------------------------- */

void
cache_record_head(const struct cache_record *r, char head[CACHE_RECORD_HEAD])
{
	put(head, (uint64_t)r->time, 8);
	head[8] = r->letter;
	head[9] = (char)r->state;
	put(head + 10, r->key.len, 2);
}

bool
cache_record_parse(struct slice bytes, struct cache_record *r)
{
	if (bytes.len < CACHE_RECORD_HEAD || (unsigned char)bytes.data[9] > FACT_LATER)
		return false;
	size_t key_len = (size_t)get(bytes.data + 10, 2);
	if (bytes.len - CACHE_RECORD_HEAD < key_len)
		return false;
	*r = (struct cache_record){.time = (int64_t)get(bytes.data, 8), .letter = bytes.data[8],
	    .state = (enum fact_state)bytes.data[9], .key = slice_make(bytes.data + CACHE_RECORD_HEAD, key_len),
	    .value = slice_from(bytes, CACHE_RECORD_HEAD + key_len)};
	return r->state == FACT_FOUND || r->value.len == 0;
}

static uint64_t
checksum(struct slice bytes)
{
	return siphash(&(struct siphash_key){0, 0}, bytes);
}

bool
cache_file_encode(struct str *to, struct slice record)
{
	char sum[CHECKSUM_SIZE];
	put(sum, checksum(record), sizeof sum);
	str_clear(to);
	return str_append(to, sum, sizeof sum) && str_append_slice(to, record);
}

static bool
decode(struct slice value, struct cache_record *r)
{
	if (value.len < CHECKSUM_SIZE)
		return false;
	struct slice record = slice_from(value, CHECKSUM_SIZE);
	return get(value.data, CHECKSUM_SIZE) == checksum(record) && cache_record_parse(record, r) && r->state != FACT_LATER;
}

void
cache_file_key(struct siphash_key salt, char letter, struct slice key, char bytes[CACHE_FILE_KEY])
{
	put(bytes, cache_hash_key(salt, letter, key), CACHE_FILE_KEY);
}

/* --- the mark ---------------------------------------------------------------------- */

void
cache_mark_encode(const struct cache_file *f, char mark[CACHE_MARK_SIZE])
{
	mark[0] = CACHE_FILE_VERSION;
	put(mark + 1, f->salt.k0, 8);
	put(mark + 9, f->salt.k1, 8);
	put(mark + 17, (uint64_t)f->time, 8);
	put(mark + 25, f->records, 4);
	put(mark + 29, checksum(slice_make(mark, 29)), 8);
}

static bool
take_mark(struct cache_file *f, struct slice mark)
{
	if (mark.len != CACHE_MARK_SIZE || mark.data[0] != CACHE_FILE_VERSION)
		return false;
	f->salt = (struct siphash_key){get(mark.data + 1, 8), get(mark.data + 9, 8)};
	f->time = (int64_t)get(mark.data + 17, 8);
	f->records = (uint32_t)get(mark.data + 25, 4);
	return get(mark.data + 29, 8) == checksum(slice_make(mark.data, 29));
}

/* --- cdb, which believes nothing ---------------------------------------------------------------------- */

static size_t
number_at(const struct cache_file *f, size_t at)
{
	return (size_t)get(f->bytes + at, 4);
}

/* The record at `at`, which must lie before the tables. */
static bool
record_at(const struct cache_file *f, size_t at, struct slice *key, struct slice *value)
{
	if (at < CONTENTS || at > f->data_end || f->data_end - at < 8)
		return false;
	size_t key_len = number_at(f, at), value_len = number_at(f, at + 4), left = f->data_end - at - 8;
	if (key_len > left || value_len > left - key_len)
		return false;
	*key = slice_make(f->bytes + at + 8, key_len);
	*value = slice_make(f->bytes + at + 8 + key_len, value_len);
	return true;
}

static enum cache_lookup
find_value(const struct cache_file *f, struct slice wanted, struct slice *value)
{
	size_t hash = cdb_hash(wanted.data, (unsigned)wanted.len);
	size_t table = number_at(f, hash % 256 * 8), slots = number_at(f, hash % 256 * 8 + 4);
	if (slots == 0)
		return CACHE_ABSENT;
	if (table < f->data_end || table > f->len || slots > (f->len - table) / 8)
		return CACHE_DAMAGED;
	size_t slot = (hash >> 8) % slots;
	for (size_t i = 0; i < slots && i < PROBES_MOST; i++, slot = slot + 1 == slots ? 0 : slot + 1) {
		size_t at = number_at(f, table + slot * 8 + 4);
		if (at == 0)
			return CACHE_ABSENT;
		if (number_at(f, table + slot * 8) != hash)
			continue;
		struct slice key;
		if (!record_at(f, at, &key, value))
			return CACHE_DAMAGED;
		if (slice_equal(key, wanted))
			return CACHE_PRESENT;
	}
	return CACHE_DAMAGED;
}

enum cache_lookup
cache_file_find(const struct cache_file *f, enum map map, struct slice key, struct cache_record *r)
{
	if (f->bytes == NULL)
		return CACHE_ABSENT;
	char letter = users_map_letter(map), bytes[CACHE_FILE_KEY];
	struct slice value;
	cache_file_key(f->salt, letter, key, bytes);
	enum cache_lookup found = find_value(f, slice_make(bytes, sizeof bytes), &value);
	if (found != CACHE_PRESENT)
		return found;
	if (!decode(value, r))
		return CACHE_DAMAGED;
	return r->letter == letter && slice_equal(r->key, key) ? CACHE_PRESENT : CACHE_ABSENT;
}

enum cache_lookup
cache_file_next(const struct cache_file *f, size_t *at, struct cache_record *r)
{
	if (*at == 0)
		*at = CONTENTS;
	while (f->bytes != NULL && *at < f->data_end) {
		struct slice key, value;
		if (!record_at(f, *at, &key, &value)) {
			*at = f->data_end;
			return CACHE_DAMAGED;
		}
		*at += 8 + key.len + value.len;
		if (!slice_is(key, CACHE_FILE_MARK))
			return key.len == CACHE_FILE_KEY && decode(value, r) ? CACHE_PRESENT : CACHE_DAMAGED;
	}
	return CACHE_ABSENT;
}

/* --- reading ---------------------------------------------------------------------- */

static bool
refuse(const char **why, const char *reason)
{
	*why = reason;
	return false;
}

static bool
is_ours(const struct stat *st, size_t most, const char **why)
{
	if (!S_ISREG(st->st_mode))
		return refuse(why, "it is not a regular file");
	if (st->st_uid != geteuid() || (st->st_mode & 077) != 0)
		return refuse(why, "it belongs to another user, or others may read or write it");
	if (st->st_size < CONTENTS)
		return refuse(why, "it is cut short");
	return (uint64_t)st->st_size <= most || refuse(why, "it is longer than the cache's file may be");
}

bool
cache_file_open(struct cache_file *f, const char *path, size_t most, const char **why)
{
	*f = (struct cache_file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
	struct stat st;
	if (f->fd < 0 || fstat(f->fd, &st) < 0) {
		*why = strerror(errno);
		return false;
	}
	errno = 0;
	if (!is_ours(&st, most, why)) {
		cache_file_close(f);
		return false;
	}
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED) {
		*why = strerror(errno);
		cache_file_close(f);
		return false;
	}
	f->bytes = bytes;
	f->len = (size_t)st.st_size;
	madvise(bytes, f->len, MADV_DONTFORK);
	madvise(bytes, f->len, MADV_DONTDUMP);
	return true;
}

bool
cache_file_check(struct cache_file *f, const char **why)
{
	struct slice mark;
	if (f->len < CONTENTS)
		return refuse(why, "it is cut short");
	f->data_end = number_at(f, 0);
	if (f->data_end < CONTENTS || f->data_end > f->len)
		return refuse(why, "it is cut short, or no cdb");
	if (find_value(f, slice_of(CACHE_FILE_MARK), &mark) != CACHE_PRESENT || !take_mark(f, mark))
		return refuse(why, "it is not a cache of this version, or is damaged");
	return true;
}

enum cache_reading
cache_file_read(struct cache_file *f, size_t bytes, const char **why)
{
	size_t wanted = f->len - f->got < bytes ? f->len - f->got : bytes;
	while (wanted > 0) {
		ssize_t n = read(f->fd, f->bytes + f->got, wanted);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*why = n < 0 ? strerror(errno) : "it was cut short while it was being read";
			cache_file_close(f);
			return CACHE_READ_FAILED;
		}
		f->got += (size_t)n;
		wanted -= (size_t)n;
	}
	if (f->got < f->len)
		return CACHE_READ_MORE;
	close(f->fd);
	f->fd = -1;
	if (cache_file_check(f, why))
		return CACHE_READ_DONE;
	cache_file_close(f);
	return CACHE_READ_FAILED;
}

void
cache_file_close(struct cache_file *f)
{
	/* The kernel zeroes these pages before anybody else has them; wiping 64 MiB here would hold up the loop. */
	if (f->bytes != NULL)
		munmap(f->bytes, f->len);
	if (f->fd > STDERR_FILENO)
		close(f->fd);
	*f = (struct cache_file){.fd = -1};
}
