#include "authd/cache.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "authd/users_cdb.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define DELAY        5000  /* ms from the first news to the write: many come together */
#define PAUSE        20    /* times what a write took must pass before the next: it takes 5 % of a core at most */
#define RETRY        60000 /* ms after a write that failed */
#define FINISH       2000  /* ms that an orderly end waits for the last write */
#define RENEWAL      20    /* a record's time in the file may lag by this part of `keep` */
#define READ_A_TURN  (1u << 20)
#define LOOKS_A_TURN 16384 /* entries of the ring */
#define IN_FILE      1     /* attempt number of what the file held before */

static struct packet packet;

static void begin_write(struct cache *c);

/* --- the file, as it is read ---------------------------------------------------------------------- */

static void
complain_of_file(const struct cache *c, const char *why)
{
	log_warning("cache-file-not-read", log_text("file", c->path), log_text("reason", why),
	    log_text("hint", "answers come from SQL alone until it is written anew, which is done by itself"));
}

static void
take_fresh(struct cache *c)
{
	cache_file_close(&c->file);
	c->file = c->fresh;
	c->fresh = (struct cache_file){.fd = -1};
	c->damage_told = false;
}

/* False: there is no more to read. */
static bool
read_fresh(struct cache *c)
{
	const char *why;
	switch (cache_file_read(&c->fresh, READ_A_TURN, &why)) {
	case CACHE_READ_MORE:
		return true;
	case CACHE_READ_DONE:
		take_fresh(c);
		return false;
	case CACHE_READ_FAILED:
		complain_of_file(c, why);
		return false;
	}
	return false;
}

static bool
open_fresh(struct cache *c)
{
	const char *why;
	cache_file_close(&c->fresh);
	if (cache_file_open(&c->fresh, c->path, c->most, &why))
		return true;
	if (errno != ENOENT)
		complain_of_file(c, why);
	return false;
}

static void
read_on(struct timer *t)
{
	struct cache *c = (struct cache *)((char *)t - offsetof(struct cache, reading));
	if (read_fresh(c))
		timer_set(&c->reading, 0);
}

/* --- writing ---------------------------------------------------------------------- */

static void
plan_write(struct cache *c)
{
	c->news = true;
	if (!c->started || c->step != CACHE_IDLE || c->timer.place != 0)
		return;
	int64_t pause = c->not_before - clock_ms();
	timer_set(&c->timer, pause > DELAY ? pause : DELAY);
}

static void
end_write(struct cache *c, bool good)
{
	c->step = CACHE_IDLE;
	if (c->finishing && (!c->news || !good))
		loop_stop();
	else if (c->finishing)
		begin_write(c);
	else if (c->news)
		plan_write(c);
}

static void
write_failed(struct cache *c, const char *why)
{
	c->counters.failed_writes++;
	if (!c->complained)
		log_error("cache-not-written", log_text("file", c->path), log_text("reason", why),
		    log_text("hint", "the old file stays and memory serves; is the disk full, the directory postern-authd's? tried again each minute"));
	c->complained = true;
	c->news = true;
	c->not_before = clock_ms() + RETRY;
	end_write(c, false);
}

/* A flush came in between: what was handed over, and what was made of it, is no more. */
static bool
is_forgotten(struct cache *c)
{
	if (c->handing_generation == c->generation)
		return false;
	unlink(c->path);
	end_write(c, true);
	return true;
}

static bool
answer_is(struct packet *answer, const char *verb)
{
	return answer != NULL && strcmp(packet_verb(answer), verb) == 0;
}

static const char *
reason(struct packet *answer)
{
	if (answer == NULL)
		return "the worker ended";
	const char *why = answer_is(answer, "failed") ? packet_field(answer) : NULL;
	return why != NULL ? why : "the worker's answer is not known";
}

static bool
written(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct cache *c = context;
	if (is_forgotten(c))
		return true;
	if (!answer_is(answer, "written")) {
		write_failed(c, reason(answer));
		return true;
	}
	int64_t now = clock_ms();
	c->counters.writes++;
	c->complained = false;
	c->good = c->attempt;
	c->not_before = now + (now - c->begun) * PAUSE;
	if (open_fresh(c))
		timer_set(&c->reading, 0);
	end_write(c, true);
	return true;
}

static bool
is_stored(const struct cache *c, const struct cache_entry *e)
{
	return e->attempt != 0 && e->attempt <= c->good;
}

/* Fills a packet with what the file has not. False: there was nothing among what was looked at. */
static bool
fill_packet(struct cache *c)
{
	int64_t since = clock_unix_us() / 1000 - clock_ms();
	size_t looks = LOOKS_A_TURN, used = 0;
	packet_begin(&packet, "keep");
	packet_add_number(&packet, c->first);
	for (uint64_t next = c->from;;) {
		struct cache_entry *e = cache_ring_next(&c->ring, &next, c->end, &looks);
		if (e != NULL && !is_stored(c, e)) {
			struct cache_record r = {.time = e->time + since, .letter = users_map_letter((enum map)e->map),
			    .state = (enum fact_state)e->kind, .key = cache_entry_key(e), .value = cache_entry_value(e)};
			if (used > 0 && used + cache_piece_size(&r) > CACHE_PIECE_MOST)
				break;
			used += cache_piece_size(&r);
			cache_piece_add(&packet, &r);
			e->attempt = c->attempt;
			e->stored = e->time;
		}
		c->from = next;
		if (e == NULL)
			break;
	}
	return used > 0;
}

static bool kept(void *context, struct pool_worker *w, struct packet *answer);

static void
submit(struct cache *c, pool_handler *done)
{
	bool sent = pool_submit(&c->pool, &packet, done, c);
	explicit_bzero(packet.data, packet.len);
	if (!sent)
		write_failed(c, "the worker takes nothing");
}

static void
hand_on(struct cache *c)
{
	if (c->from >= c->end && !c->first) {
		c->step = CACHE_WRITING;
		packet_begin(&packet, "write");
		submit(c, written);
	} else if (fill_packet(c) || c->from >= c->end) {
		c->first = false;
		submit(c, kept);
	} else {
		timer_set(&c->timer, 0);
	}
}

static bool
kept(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct cache *c = context;
	if (is_forgotten(c))
		return true;
	if (answer_is(answer, "kept"))
		timer_set(&c->timer, 0); /* the worker is free when this handler has returned, and others have their turn */
	else
		write_failed(c, reason(answer));
	return true;
}

static void
begin_write(struct cache *c)
{
	timer_cancel(&c->timer);
	c->step = CACHE_HANDING;
	c->news = false;
	c->first = true;
	c->attempt++;
	c->begun = clock_ms();
	c->from = c->ring.tail;
	c->end = c->ring.head;
	c->handing_generation = c->generation;
	hand_on(c);
}

static void
take_step(struct timer *t)
{
	struct cache *c = (struct cache *)((char *)t - offsetof(struct cache, timer));
	if (c->step == CACHE_IDLE)
		begin_write(c);
	else if (!is_forgotten(c))
		hand_on(c);
}

/* --- start and end ---------------------------------------------------------------------- */

/* The directory of the path, "." when it names none. */
static bool
set_directory(struct cache *c)
{
	struct slice path = slice_of(c->path);
	if (path.len >= sizeof c->directory)
		return false;
	size_t at = slice_find_last(path, '/');
	struct slice d = at == path.len ? slice_of(".") : at == 0 ? slice_of("/") : slice_first(path, at);
	memcpy(c->directory, d.data, d.len);
	c->directory[d.len] = '\0';
	return access(c->directory, R_OK | W_OK | X_OK) == 0;
}

bool
cache_begin(struct cache *c)
{
	c->file.fd = c->fresh.fd = -1;
	c->attempt = c->good = IN_FILE;
	if (!cache_ring_begin(&c->ring, c->memory))
		return false;
	if (c->path[0] == '\0')
		return true;
	if (!set_directory(c)) {
		log_warning("cache-memory-only", log_text("file", c->path), log_errno(),
		    log_text("hint", "a restart forgets what SQL said; make its directory, mode 0700, of authd's user"));
		c->path = "";
		return true;
	}
	if (open_fresh(c))
		while (read_fresh(c))
			;
	return true;
}

static void
work(int socket, void *context)
{
	const struct cache *c = context;
	cache_writer_work(socket, &c->writer);
}

bool
cache_start(struct cache *c)
{
	if (c->path[0] == '\0')
		return true;
	c->timer.fire = take_step;
	c->reading.fire = read_on;
	c->writer = (struct cache_writer){.path = c->path, .directory = c->directory, .most = c->most, .memory = c->memory, .keep = c->keep};
	/* No limit on a job's time: a worker that hangs in the disk cannot be killed either, and waiting for that would hold up the loop. */
	c->pool = (struct pool){.name = "cache", .workers = 1, .most_waiting = 4, .work = work, .context = c};
	c->started = pool_start(&c->pool);
	if (c->news)
		plan_write(c);
	return c->started;
}

size_t
cache_paths(const struct cache *c, struct sandbox_path *path)
{
	if (c->path[0] == '\0')
		return 0;
	*path = (struct sandbox_path){.path = c->directory, .write = true};
	return 1;
}

static void
give_up(struct timer *t)
{
	struct cache *c = (struct cache *)((char *)t - offsetof(struct cache, limit));
	log_warning("cache-not-written", log_text("file", c->path), log_text("reason", "the end did not wait for it any longer"),
	    log_text("hint", "the old file stays; what SQL said since it was written is asked again"));
	loop_stop();
}

static void
write_the_last(struct cache *c)
{
	c->finishing = true;
	c->limit.fire = give_up;
	if (c->step == CACHE_IDLE)
		begin_write(c);
	if (c->step != CACHE_IDLE && timer_set(&c->limit, FINISH))
		loop_run();
}

void
cache_finish(struct cache *c)
{
	if (c->started && (c->news || c->step != CACHE_IDLE))
		write_the_last(c);
	timer_cancel(&c->timer);
	timer_cancel(&c->reading);
	timer_cancel(&c->limit);
	cache_file_close(&c->file);
	cache_file_close(&c->fresh);
	cache_ring_end(&c->ring);
}

/* --- notes and questions ---------------------------------------------------------------------- */

static int64_t
age_in_file(const struct cache_record *r)
{
	int64_t now = clock_unix_us() / 1000;
	return r->time < 0 || r->time > now ? CACHE_AGE_UNKNOWN : now - r->time;
}

static void
count_damage(struct cache *c)
{
	c->counters.damaged++;
	if (!c->damage_told)
		log_warning("cache-damaged", log_text("file", c->path),
		    log_text("hint", "what is damaged is asked from SQL again; look at the disk"));
	c->damage_told = true;
}

static bool
find_in_file(struct cache *c, enum map map, struct slice key, struct cache_record *r)
{
	enum cache_lookup found = cache_file_find(&c->file, map, key, r);
	if (found == CACHE_DAMAGED)
		count_damage(c);
	return found == CACHE_PRESENT;
}

static bool
is_due(const struct cache *c, int64_t age)
{
	return (uint64_t)age / 1000 > c->keep / RENEWAL;
}

/* The file as it is on the disk has the same: after a start, or when the entry had given way here. */
static bool
file_has(struct cache *c, struct cache_entry *e)
{
	struct cache_record r;
	/* While a new one is on its way this one does not count. */
	if (c->step != CACHE_IDLE || c->fresh.bytes != NULL)
		return false;
	if (cache_file_find(&c->file, (enum map)e->map, cache_entry_key(e), &r) != CACHE_PRESENT)
		return false;
	int64_t age = age_in_file(&r);
	if ((int)r.state != e->kind || !slice_equal(r.value, cache_entry_value(e)) || is_due(c, age))
		return false;
	e->attempt = IN_FILE;
	e->stored = e->time - age;
	return true;
}

void
cache_note(struct cache *c, enum map map, struct slice key, enum fact_state state, struct slice value, int64_t at)
{
	if (state == FACT_LATER)
		return;
	struct cache_entry *e = cache_ring_note(&c->ring, map, key, state, state == FACT_FOUND ? value : slice_make("", 0), at);
	if (e == NULL || c->path[0] == '\0')
		return;
	if (e->attempt != 0 && !is_due(c, e->time - e->stored))
		return;
	if (e->attempt == 0 && file_has(c, e))
		return;
	e->attempt = 0;
	plan_write(c);
}

bool
cache_find(struct cache *c, enum map map, struct slice key, struct cache_fact *found)
{
	const struct cache_entry *e = cache_ring_find(&c->ring, map, key);
	struct cache_record r;
	if (e != NULL && e->kind != FACT_LATER) {
		*found = (struct cache_fact){.state = (enum fact_state)e->kind, .value = cache_entry_value(e), .age_ms = clock_ms() - e->time};
		c->counters.found_memory++;
		return true;
	}
	if (e == NULL && find_in_file(c, map, key, &r)) {
		*found = (struct cache_fact){.state = r.state, .value = r.value, .age_ms = age_in_file(&r), .from_file = true};
		c->counters.found_file++;
		return true;
	}
	c->counters.absent++;
	return false;
}

bool
cache_flush(struct cache *c)
{
	c->counters.flushes++;
	c->generation++;
	cache_ring_clear(&c->ring);
	timer_cancel(&c->reading);
	cache_file_close(&c->file);
	cache_file_close(&c->fresh);
	if (c->path[0] == '\0' || unlink(c->path) == 0 || errno == ENOENT)
		return true;
	log_error("cache-not-flushed", log_text("file", c->path), log_errno(),
	    log_text("hint", "memory is flushed; remove the file by hand, or the next start reads it"));
	return false;
}

const struct cache_counters *
cache_count(struct cache *c)
{
	struct cache_counters *n = &c->counters;
	n->evicted = c->ring.evicted;
	n->records = c->ring.records;
	n->bytes = c->ring.head - c->ring.tail;
	n->file_records = c->file.records;
	n->file_bytes = c->file.len;
	int64_t now = clock_unix_us() / 1000;
	n->file_age = c->file.bytes == NULL ? -1 : now > c->file.time ? (now - c->file.time) / 1000 : 0;
	return n;
}
