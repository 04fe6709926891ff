#include "authd/cache_writer.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/sandbox/sandbox.h"

#define FUTURE_MOST  (24 * 3600 * 1000) /* ms: a clock that was set back by this much may be right again soon */
#define CDB_FIXED    (2048 + 8 + sizeof CACHE_FILE_MARK - 1 + CACHE_MARK_SIZE + 16)
#define CDB_A_RECORD (8 + CACHE_FILE_KEY + 8 + 16) /* lengths, key, checksum, two slots of a table; the record's bytes beside */
#define MEMORY_BASE  (256u << 20)

/* A record that may come into the file; its bytes are in `handed` or in the old file. */
struct candidate {
	uint64_t     hash;
	int64_t      time;
	uint32_t     rank; /* of one key the highest stays: 0 in the old file, else the number in which it was handed over */
	bool         gone; /* the key is to be forgotten */
	struct slice record;
};

struct writer {
	const struct cache_writer *options;
	struct packet              packet;
	struct str                 handed; /* records as in packets */
	struct cache_file          old, new; /* of the new one only what the mark needs */
	struct candidate          *candidates;
	size_t                     count, room;
	const char                *why;
};

size_t
cache_piece_size(const struct cache_record *r)
{
	return 4 + CACHE_RECORD_HEAD + r->key.len + r->value.len;
}

void
cache_piece_add(struct packet *p, const struct cache_record *r)
{
	char head[CACHE_RECORD_HEAD];
	unsigned char len[4];
	cdb_pack((unsigned)(cache_piece_size(r) - sizeof len), len);
	cache_record_head(r, head);
	packet_add_rest(p, slice_make((const char *)len, sizeof len));
	packet_add_rest(p, slice_make(head, sizeof head));
	packet_add_rest(p, r->key);
	packet_add_rest(p, r->value);
}

bool
cache_piece_take(struct slice *rest, struct slice *record)
{
	unsigned char len[4];
	if (rest->len < sizeof len)
		return false;
	memcpy(len, rest->data, sizeof len);
	*rest = slice_from(*rest, sizeof len);
	*record = slice_first(*rest, cdb_unpack(len));
	*rest = slice_from(*rest, record->len);
	return true;
}

/* --- what comes into the file ---------------------------------------------------------------------- */

static bool
fail(struct writer *w, const char *why)
{
	w->why = why;
	return false;
}

static bool
add(struct writer *w, const struct cache_record *r, uint32_t rank)
{
	int64_t now = clock_unix_us() / 1000;
	if (r->time > now + FUTURE_MOST || (now > r->time && (uint64_t)(now - r->time) / 1000 > w->options->keep))
		return true;
	if (w->count == w->room) {
		size_t room = w->room == 0 ? 4096 : w->room * 2;
		struct candidate *more = reallocarray(w->candidates, room, sizeof *more);
		if (more == NULL)
			return fail(w, strerror(errno));
		w->candidates = more;
		w->room = room;
	}
	size_t len = CACHE_RECORD_HEAD + r->key.len + r->value.len;
	w->candidates[w->count++] = (struct candidate){.hash = cache_hash_key(w->new.salt, r->letter, r->key), .time = r->time,
	    .rank = rank, .gone = r->state == FACT_LATER, .record = slice_make(r->key.data - CACHE_RECORD_HEAD, len)};
	return true;
}

static bool
add_handed(struct writer *w)
{
	uint32_t rank = 0;
	for (struct slice rest = str_slice(&w->handed), bytes; cache_piece_take(&rest, &bytes);) {
		struct cache_record r;
		if (cache_record_parse(bytes, &r) && !add(w, &r, ++rank))
			return false;
	}
	return true;
}

static bool
add_old(struct writer *w)
{
	int64_t damaged = 0;
	struct cache_record r;
	enum cache_lookup found;
	for (size_t at = 0; (found = cache_file_next(&w->old, &at, &r)) != CACHE_ABSENT;) {
		if (found == CACHE_DAMAGED)
			damaged++;
		else if (!add(w, &r, 0))
			return false;
	}
	if (damaged > 0)
		log_warning("cache-damaged", log_text("file", w->options->path), log_number("records", damaged),
		    log_text("hint", "they are left out; SQL is asked for them again; look at the disk"));
	return true;
}

static void
read_old(struct writer *w)
{
	const char *why;
	if (!cache_file_open(&w->old, w->options->path, w->options->most, &why))
		return;
	while (cache_file_read(&w->old, SIZE_MAX, &why) == CACHE_READ_MORE)
		;
}

static int
by_key(const void *one, const void *other)
{
	const struct candidate *a = one, *b = other;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return (a->time < b->time) - (a->time > b->time);
}

static int
by_age(const void *one, const void *other)
{
	const struct candidate *a = one, *b = other;
	return (a->time < b->time) - (a->time > b->time);
}

/* One record a key, the newest first, no more than the file may hold. */
static void
choose(struct writer *w)
{
	size_t kept = 0, bytes = CDB_FIXED;
	uint64_t last = 0;
	if (w->count == 0)
		return; /* no array either */
	qsort(w->candidates, w->count, sizeof *w->candidates, by_key);
	for (size_t i = 0; i < w->count; i++) {
		const struct candidate c = w->candidates[i];
		bool same = i > 0 && c.hash == last;
		last = c.hash;
		if (!same && !c.gone)
			w->candidates[kept++] = c;
	}
	qsort(w->candidates, kept, sizeof *w->candidates, by_age);
	for (w->count = 0; w->count < kept; w->count++) {
		bytes += CDB_A_RECORD + w->candidates[w->count].record.len;
		if (bytes > w->options->most)
			break;
	}
}

static bool
gather(struct writer *w)
{
	w->count = 0;
	random_bytes(&w->new.salt, sizeof w->new.salt);
	read_old(w);
	if (!add_handed(w) || !add_old(w))
		return false;
	choose(w);
	w->new.records = (uint32_t)w->count;
	w->new.time = clock_unix_us() / 1000;
	return true;
}

/* --- writing ---------------------------------------------------------------------- */

static bool
put_records(struct writer *w, struct cdb_make *make)
{
	struct str value = STR_MOST(CACHE_RECORD_HEAD + 8 + UINT16_MAX + MAP_VALUE_MOST);
	bool ok = true;
	for (size_t i = 0; ok && i < w->count; i++) {
		char key[CACHE_FILE_KEY];
		for (size_t b = 0; b < sizeof key; b++)
			key[b] = (char)(w->candidates[i].hash >> 8 * b);
		ok = cache_file_encode(&value, w->candidates[i].record) &&
		    cdb_make_add(make, key, sizeof key, value.data, (unsigned)value.len) == 0;
	}
	str_free(&value);
	char mark[CACHE_MARK_SIZE];
	cache_mark_encode(&w->new, mark);
	return ok && cdb_make_add(make, CACHE_FILE_MARK, sizeof CACHE_FILE_MARK - 1, mark, sizeof mark) == 0;
}

static bool
write_cdb(struct writer *w, int fd)
{
	struct cdb_make make;
	if (cdb_make_start(&make, fd) != 0)
		return false;
	bool ok = put_records(w, &make);
	int saved = errno;
	/* Finishing also gives the memory back, so it is done in any case. */
	bool finished = cdb_make_finish(&make) == 0;
	if (!ok)
		errno = saved;
	return ok && finished && fsync(fd) == 0;
}

static bool
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
write_file(struct writer *w, const char *fresh, int64_t *bytes)
{
	unlink(fresh);
	int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(w, strerror(errno));
	bool ok = write_cdb(w, fd);
	*bytes = lseek(fd, 0, SEEK_END);
	ok = ok && rename(fresh, w->options->path) == 0;
	if (!ok) {
		fail(w, strerror(errno));
		unlink(fresh);
	}
	close(fd);
	return ok && (sync_directory(w->options->directory) || fail(w, strerror(errno)));
}

static bool
write_all(struct writer *w, int64_t *bytes)
{
	struct str fresh = STR_MOST(CACHE_PATH_MOST);
	bool ok = gather(w);
	if (ok)
		ok = str_append_format(&fresh, "%s.new", w->options->path) ? write_file(w, str_text(&fresh), bytes)
		                                                           : fail(w, "the path is too long");
	str_free(&fresh);
	cache_file_close(&w->old);
	return ok;
}

/* --- serving ---------------------------------------------------------------------- */

static void
forget(struct writer *w)
{
	if (w->handed.data != NULL)
		explicit_bzero(w->handed.data, w->handed.len);
	str_free(&w->handed);
	w->handed = STR_MOST(w->options->memory);
	free(w->candidates);
	w->candidates = NULL;
	w->count = w->room = 0;
}

static void
answer_write(struct writer *w)
{
	int64_t bytes = 0;
	if (write_all(w, &bytes)) {
		packet_begin(&w->packet, "written");
		packet_add_number(&w->packet, w->count);
		packet_add_number(&w->packet, (uint64_t)bytes);
	} else {
		packet_begin(&w->packet, "failed");
		packet_add_text(&w->packet, w->why);
	}
	forget(w);
}

static void
answer_keep(struct writer *w)
{
	uint64_t first;
	if (!packet_field_number(&w->packet, 1, &first))
		first = 1;
	if (first == 1)
		forget(w);
	bool kept = str_append_slice(&w->handed, packet_rest(&w->packet));
	explicit_bzero(w->packet.data, w->packet.len);
	packet_begin(&w->packet, kept ? "kept" : "failed");
	if (!kept)
		packet_add_text(&w->packet, "no memory");
}

static bool
serve(struct writer *w, int socket)
{
	if (packet_receive_wait(socket, &w->packet, -1) != PACKET_OK)
		return false;
	const char *verb = packet_verb(&w->packet);
	if (strcmp(verb, "keep") == 0)
		answer_keep(w);
	else if (strcmp(verb, "write") == 0)
		answer_write(w);
	else
		return false;
	return packet_send_wait(socket, &w->packet, -1) == PACKET_OK;
}

/* Twice what it may hold, and what it takes with it from its parent; not more than the parent itself may have. */
static size_t
memory_limit(const struct cache_writer *o)
{
	struct rlimit parent;
	size_t wanted = MEMORY_BASE + 3 * (o->memory + o->most);
	bool known = getrlimit(RLIMIT_AS, &parent) == 0 && parent.rlim_max != RLIM_INFINITY;
	return known && parent.rlim_max < wanted ? (size_t)parent.rlim_max : wanted;
}

void
cache_writer_work(int socket, const struct cache_writer *options)
{
	const struct contract contract = {
	    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_READ_FILES | CALLS_WRITE_FILES,
	    .memory = memory_limit(options),
	    .descriptors = 16,
	    .reaches = "the directory of the cache's file",
	    .sockets = "its parent",
	    .compromise = "what the cache holds, password hashes among it; may change what authd reads at its next start",
	};
	const struct sandbox_path path = {.path = options->directory, .write = true};
	struct writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		return;
	w->options = options;
	forget(w);
	/* A limit on the size of files shall make a write fail, not end us. */
	signal(SIGXFSZ, SIG_IGN);
	if (!sandbox_enter(&contract, &path, 1))
		return;
	while (serve(w, socket))
		;
}
