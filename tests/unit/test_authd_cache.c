/*
 * authd/cache.h: what SQL answered, in memory and in the cdb. Whatever happens
 * to the file, an answer is the one that was noted last or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cdb.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "authd/cache.h"
#include "authd/users_cdb.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define MEMORY (256u << 10)
#define MOST   (1u << 20)
#define KEEP   86400
#define BUSY   40 /* MiB that take a moment to write */

static char directory[] = "/tmp/test-cache-XXXXXX", path[64], fresh_path[80];

/* --- the ring ---------------------------------------------------------------------- */

static struct cache_ring ring;

static int
begin_ring(void **state)
{
	(void)state;
	return cache_ring_begin(&ring, MEMORY) ? 0 : -1;
}

static int
end_ring(void **state)
{
	(void)state;
	cache_ring_end(&ring);
	return 0;
}

static void
note(enum map map, struct slice key, const char *value)
{
	assert_non_null(cache_ring_note(&ring, map, key, FACT_FOUND, slice_of(value), 1));
}

static void
expect(enum map map, struct slice key, const char *value)
{
	const struct cache_entry *e = cache_ring_find(&ring, map, key);
	if (value == NULL) {
		assert_null(e);
		return;
	}
	assert_non_null(e);
	assert_true(slice_is(cache_entry_value(e), value));
}

/* The test vectors of the paper's authors: key 00 01 .. 0f, input 00 01 .. of length 0, 8 and 15. */
static void
the_hash_is_siphash(void **state)
{
	(void)state;
	const struct siphash_key salt = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	char input[15];
	for (size_t i = 0; i < sizeof input; i++)
		input[i] = (char)i;
	assert_int_equal(siphash(&salt, slice_make(input, 0)), 0x726fdb47dd0e0e31u);
	assert_int_equal(siphash(&salt, slice_make(input, 8)), 0x93f5f5799a932462u);
	assert_int_equal(siphash(&salt, slice_make(input, 15)), 0xa129ca6149be45e5u);
}

static void
keys_are_told_apart_whatever_bytes_they_hold(void **state)
{
	(void)state;
	note(MAP_MAILBOX, slice_of("ann@example.org"), "a/");
	note(MAP_ALIAS, slice_of("ann@example.org"), "b@example.org");
	note(MAP_ALIAS, slice_make("ann\0x", 5), "one");
	note(MAP_ALIAS, slice_make("ann\0y", 5), "two");
	note(MAP_ALIAS, slice_of("ann"), "three");
	note(MAP_ALIAS, slice_make(NULL, 0), "empty");
	expect(MAP_MAILBOX, slice_of("ann@example.org"), "a/");
	expect(MAP_ALIAS, slice_of("ann@example.org"), "b@example.org");
	expect(MAP_ALIAS, slice_make("ann\0x", 5), "one");
	expect(MAP_ALIAS, slice_make("ann\0y", 5), "two");
	expect(MAP_ALIAS, slice_of("ann"), "three");
	expect(MAP_ALIAS, slice_make(NULL, 0), "empty");
	expect(MAP_QUOTA, slice_of("ann@example.org"), NULL);
	expect(MAP_MAILBOX, slice_make(NULL, 0), NULL);
}

static void
the_same_answer_again_takes_no_room_and_another_takes_its_place(void **state)
{
	(void)state;
	note(MAP_PASSWORD, slice_of("ann"), "hash");
	uint64_t head = ring.head;
	struct cache_entry *e = cache_ring_note(&ring, MAP_PASSWORD, slice_of("ann"), FACT_FOUND, slice_of("hash"), 7);
	assert_int_equal(e->time, 7);
	assert_int_equal(ring.head, head);
	note(MAP_PASSWORD, slice_of("ann"), "other");
	expect(MAP_PASSWORD, slice_of("ann"), "other");
	assert_int_equal(ring.records, 1);
	/* The hash that is no longer good is not left lying about. */
	assert_null(memmem(ring.arena, ring.size, "hash", 4));
	cache_ring_note(&ring, MAP_PASSWORD, slice_of("ann"), FACT_NONE, slice_of(""), 8);
	assert_int_equal(cache_ring_find(&ring, MAP_PASSWORD, slice_of("ann"))->kind, FACT_NONE);
}

/* Walks the chains: each living record is in the one it belongs to, once. */
static void
check_index(void)
{
	size_t found = 0, alive = 0, looks = SIZE_MAX;
	for (size_t i = 0; i < ring.chain_count; i++)
		for (uint32_t link = ring.chains[i]; link != 0; found++) {
			const struct cache_entry *e = (const void *)(ring.arena + (size_t)(link - 1) * 8);
			assert_int_not_equal(e->kind, CACHE_ENTRY_DEAD);
			assert_int_equal(e->hash & (ring.chain_count - 1), i);
			link = e->next;
		}
	uint64_t position = 0;
	for (const struct cache_entry *e; (e = cache_ring_next(&ring, &position, ring.head, &looks)) != NULL; alive++)
		assert_ptr_equal(cache_ring_find(&ring, (enum map)e->map, cache_entry_key(e)), e);
	assert_int_equal(position, ring.head);
	assert_int_equal(found, ring.records);
	assert_int_equal(alive, ring.records);
	assert_true(ring.head - ring.tail <= ring.size);
}

/* What was noted as number `n`: sizes from nothing to an eighth of the arena, small ones more often. */
static struct slice
value_of(unsigned n)
{
	static char bytes[MEMORY];
	size_t most = ring.size / 8 - sizeof(struct cache_entry) - 20, len = n * 2654435761u % (n % 16 == 0 ? most + 1 : 200);
	memset(bytes, (int)(n % 251), len);
	return slice_make(bytes, len);
}

static void
it_wraps_with_values_of_all_sizes(void **state)
{
	(void)state;
	enum { ROUNDS = 20000, KEYS = 3000 };
	static unsigned last[KEYS];
	for (unsigned n = 1; n <= ROUNDS; n++) {
		char key[20];
		unsigned k = n * 40503u % KEYS;
		snprintf(key, sizeof key, "%u@example.org", k);
		cache_ring_note(&ring, MAP_MAILBOX, slice_of(key), FACT_FOUND, value_of(n), n);
		last[k] = n;
		const struct cache_entry *e = cache_ring_find(&ring, MAP_MAILBOX, slice_of(key));
		assert_non_null(e);
		assert_true(slice_equal(cache_entry_value(e), value_of(n)));
		if (n % 1000 == 0)
			check_index();
	}
	assert_true(ring.evicted > 1000 && ring.head > 10 * ring.size);
	size_t there = 0;
	for (unsigned k = 0; k < KEYS; k++) {
		char key[20];
		snprintf(key, sizeof key, "%u@example.org", k);
		const struct cache_entry *e = cache_ring_find(&ring, MAP_MAILBOX, slice_of(key));
		if (e == NULL)
			continue;
		there++;
		assert_int_equal(e->time, last[k]);
		assert_true(slice_equal(cache_entry_value(e), value_of(last[k])));
	}
	assert_int_equal(there, ring.records);
	assert_true(there > 50);
}

static void
what_is_too_large_is_not_kept_and_hides_what_was(void **state)
{
	(void)state;
	static char large[MEMORY];
	note(MAP_ALIAS, slice_of("all"), "ann");
	cache_ring_note(&ring, MAP_ALIAS, slice_of("all"), FACT_FOUND, slice_make(large, ring.size / 8), 2);
	assert_int_equal(cache_ring_find(&ring, MAP_ALIAS, slice_of("all"))->kind, FACT_LATER);
	assert_null(cache_ring_note(&ring, MAP_ALIAS, slice_make(large, CACHE_KEY_MOST + 1), FACT_FOUND, slice_of("x"), 2));
	assert_non_null(cache_ring_note(&ring, MAP_ALIAS, slice_make(large, CACHE_KEY_MOST), FACT_FOUND, slice_of("x"), 2));
}

/* Keys that share a chain under one salt do not under the next. */
static void
nobody_can_choose_keys_that_collide(void **state)
{
	(void)state;
	enum { WANTED = 50 };
	unsigned keys[WANTED], count = 0;
	char key[20];
	for (unsigned n = 0; count < WANTED; n++) {
		snprintf(key, sizeof key, "%u", n);
		if (cache_hash_key(ring.salt, MAP_ALIAS, slice_of(key)) % ring.chain_count == 0)
			keys[count++] = n;
	}
	uint64_t before = ring.salt.k0;
	cache_ring_clear(&ring);
	assert_int_not_equal(ring.salt.k0, before);
	unsigned together = 0;
	for (unsigned i = 0; i < WANTED; i++) {
		snprintf(key, sizeof key, "%u", keys[i]);
		together += cache_hash_key(ring.salt, MAP_ALIAS, slice_of(key)) % ring.chain_count == 0;
	}
	assert_true(together < WANTED / 4);
}

static void
clearing_leaves_nothing(void **state)
{
	(void)state;
	note(MAP_PASSWORD, slice_of("ann"), "a-secret-hash");
	cache_ring_clear(&ring);
	expect(MAP_PASSWORD, slice_of("ann"), NULL);
	assert_null(memmem(ring.arena, ring.size, "a-secret-hash", 13));
	note(MAP_PASSWORD, slice_of("bo"), "another");
	check_index();
}

static int
status_of_child_that_reads(const volatile char *at)
{
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer catches it */
		_exit(*at);
	}
	int status;
	waitpid(pid, &status, 0);
	return status;
}

static void
a_child_has_no_arena(void **state)
{
	(void)state;
	note(MAP_PASSWORD, slice_of("ann"), "hash");
	int status = status_of_child_that_reads(ring.arena);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

/* --- the cache, with its file ---------------------------------------------------------------------- */

static struct cache cache;

static int
clean(void **state)
{
	(void)state;
	unlink(path);
	unlink(fresh_path);
	return 0;
}

static void
begin_with(size_t memory, size_t most)
{
	/* A pool lives as long as its process: each stays in reach of the leak check. */
	static void *volatile pools[64] __attribute__((unused));
	static size_t count;
	cache = (struct cache){.path = path, .memory = memory, .most = most, .keep = KEEP};
	assert_true(loop_begin());
	assert_true(cache_begin(&cache));
	assert_true(cache_start(&cache));
	pools[count++ % 64] = cache.pool.members;
}

static void
begin(void)
{
	begin_with(MEMORY, MOST);
}

static void
put(enum map map, const char *key, const char *value)
{
	cache_note(&cache, map, slice_of(key), value != NULL ? FACT_FOUND : FACT_NONE, slice_of(value), clock_ms());
}

enum { NOTHING = -1 };

/* The state of the fact, whose value must be `value`; or NOTHING. */
static int
get(enum map map, const char *key, const char *value)
{
	struct cache_fact found;
	if (!cache_find(&cache, map, slice_of(key), &found))
		return NOTHING;
	if (!slice_is(found.value, found.state == FACT_FOUND ? value : ""))
		fail_msg("%s is %.*s", key, (int)found.value.len, found.value.data);
	return found.state;
}

static bool (*wanted)(void);
static int64_t deadline;
static void look(struct timer *t);
static struct timer looking = {.fire = look};

static void
look(struct timer *t)
{
	if (wanted() || clock_ms() > deadline)
		loop_stop();
	else
		timer_set(t, 1);
}

/* Runs the loop until it is so. */
static void
run_until(bool (*condition)(void))
{
	wanted = condition;
	deadline = clock_ms() + 20000;
	timer_set(&looking, 0);
	loop_run();
	assert_true(condition());
}

static bool
is_idle(void)
{
	return cache.step == CACHE_IDLE && cache.timer.place == 0 && cache.fresh.bytes == NULL;
}

static void
write_now(void)
{
	assert_int_not_equal(cache.timer.place, 0);
	timer_set(&cache.timer, 0);
	run_until(is_idle);
}

static void
after_a_restart_the_same_is_found(void **state)
{
	(void)state;
	begin();
	put(MAP_MAILBOX, "ann@example.org", "example.org/ann/");
	put(MAP_PASSWORD, "ann@example.org", "$y$hash");
	put(MAP_ALIAS, "ann@example.org", NULL);
	put(MAP_DOMAIN, "example.org", "");
	cache_note(&cache, MAP_QUOTA, slice_of("later"), FACT_LATER, slice_of(""), clock_ms());
	cache_finish(&cache);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	begin();
	assert_int_equal(get(MAP_MAILBOX, "ann@example.org", "example.org/ann/"), FACT_FOUND);
	assert_int_equal(get(MAP_PASSWORD, "ann@example.org", "$y$hash"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "ann@example.org", NULL), FACT_NONE);
	assert_int_equal(get(MAP_DOMAIN, "example.org", ""), FACT_FOUND);
	assert_int_equal(get(MAP_QUOTA, "later", NULL), NOTHING);
	struct cache_fact found;
	assert_true(cache_find(&cache, MAP_ALIAS, slice_of("ann@example.org"), &found));
	assert_true(found.from_file && found.age_ms >= 0 && found.age_ms < 60000);
	const struct cache_counters *n = cache_count(&cache);
	assert_int_equal(n->file_records, 4);
	assert_int_equal(n->file_bytes, st.st_size);
	assert_true(n->file_age >= 0 && n->file_age < 60);
	assert_int_equal(n->found_file, 5);
	assert_int_equal(n->absent, 1);
	cache_finish(&cache);
}

static void
without_a_path_or_directory_memory_serves(void **state)
{
	(void)state;
	static const char *const paths[] = {"", "/nowhere/at/all/cache.cdb"};
	for (size_t i = 0; i < 2; i++) {
		cache = (struct cache){.path = paths[i], .memory = MEMORY, .most = MOST, .keep = KEEP};
		struct sandbox_path p;
		assert_true(cache_begin(&cache) && cache_start(&cache));
		assert_int_equal(cache_paths(&cache, &p), 0);
		put(MAP_ALIAS, "a", "b");
		assert_int_equal(get(MAP_ALIAS, "a", "b"), FACT_FOUND);
		assert_true(cache_flush(&cache));
		assert_int_equal(get(MAP_ALIAS, "a", "b"), NOTHING);
		cache_finish(&cache);
	}
}

static void
what_changed_since_the_last_write_is_merged(void **state)
{
	(void)state;
	begin();
	put(MAP_ALIAS, "a", "1");
	put(MAP_ALIAS, "b", "1");
	put(MAP_ALIAS, "c", "1");
	write_now();
	put(MAP_ALIAS, "b", "2");
	put(MAP_ALIAS, "c", NULL);
	put(MAP_ALIAS, "d", "2");
	write_now();
	assert_int_equal(cache_count(&cache)->writes, 2);
	assert_int_equal(cache_count(&cache)->file_records, 4);
	cache_finish(&cache);
	begin();
	assert_int_equal(get(MAP_ALIAS, "a", "1"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "b", "2"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "c", NULL), FACT_NONE);
	assert_int_equal(get(MAP_ALIAS, "d", "2"), FACT_FOUND);
	cache_finish(&cache);
}

static void
an_answer_that_did_not_change_is_no_news(void **state)
{
	(void)state;
	begin();
	put(MAP_ALIAS, "a", "1");
	write_now();
	put(MAP_ALIAS, "a", "1");
	assert_false(cache.news);
	cache_ring_find(&cache.ring, MAP_ALIAS, slice_of("a"))->stored -= (int64_t)KEEP * 1000 / 20 + 1000;
	put(MAP_ALIAS, "a", "1");
	assert_true(cache.news);
	write_now();
	cache_finish(&cache);
	assert_int_equal(cache.counters.writes, 2);
	/* Nor after a restart. */
	begin();
	put(MAP_ALIAS, "a", "1");
	assert_false(cache.news);
	put(MAP_ALIAS, "a", "2");
	assert_true(cache.news);
	cache_finish(&cache);
}

static void
writes_come_seconds_after_the_news_and_far_apart(void **state)
{
	(void)state;
	begin();
	put(MAP_ALIAS, "a", "1");
	int64_t due = cache.timer.due;
	assert_true(due > clock_ms() + 4000);
	put(MAP_ALIAS, "b", "1");
	assert_int_equal(cache.timer.due, due);
	timer_set(&cache.timer, 0);
	int64_t before = clock_ms();
	run_until(is_idle);
	assert_true(cache.not_before >= cache.begun);
	cache.not_before = before + 100000; /* as after a write that took 5 seconds */
	put(MAP_ALIAS, "c", "1");
	assert_true(cache.timer.due >= before + 100000);
	cache_finish(&cache);
}

static void
the_file_is_bounded_and_the_oldest_are_left_out(void **state)
{
	(void)state;
	static char value[1000];
	memset(value, 'v', sizeof value - 1);
	begin_with(MEMORY, CACHE_FILE_LEAST);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 60; i++) {
			char key[20];
			snprintf(key, sizeof key, "%d-%d", round, i);
			put(MAP_ALIAS, key, value);
		}
		usleep(2000); /* the next ones are newer */
		write_now();
	}
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= CACHE_FILE_LEAST && st.st_size > CACHE_FILE_LEAST - 1100);
	cache_finish(&cache);
	begin_with(MEMORY, CACHE_FILE_LEAST);
	for (int i = 0; i < 60; i++) {
		char key[20];
		snprintf(key, sizeof key, "2-%d", i);
		assert_int_equal(get(MAP_ALIAS, key, value), FACT_FOUND);
		snprintf(key, sizeof key, "0-%d", i);
		assert_int_equal(get(MAP_ALIAS, key, value), NOTHING);
	}
	cache_finish(&cache);
}

/* More than one packet, and records as long as they may be. */
static void
long_answers_come_into_the_file(void **state)
{
	(void)state;
	static char value[MAP_VALUE_MOST + 1], key[CACHE_KEY_MOST + 1];
	memset(value, 'v', MAP_VALUE_MOST);
	memset(key, 'k', CACHE_KEY_MOST);
	begin_with(2u << 20, 4u << 20);
	for (int i = 0; i < 10; i++) {
		key[0] = (char)('0' + i);
		put(MAP_ALIAS, key, value);
	}
	cache_finish(&cache);
	begin_with(2u << 20, 4u << 20);
	assert_int_equal(cache_count(&cache)->file_records, 10);
	for (int i = 0; i < 10; i++) {
		key[0] = (char)('0' + i);
		assert_int_equal(get(MAP_ALIAS, key, value), FACT_FOUND);
	}
	cache_finish(&cache);
}

static void
a_flush_forgets_memory_and_file_and_what_is_on_its_way(void **state)
{
	(void)state;
	begin();
	put(MAP_ALIAS, "a", "1");
	write_now();
	put(MAP_ALIAS, "b", "1");
	assert_true(cache_flush(&cache));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(get(MAP_ALIAS, "a", "1"), NOTHING);
	assert_int_equal(get(MAP_ALIAS, "b", "1"), NOTHING);
	for (enum cache_step step = CACHE_HANDING; step <= CACHE_WRITING; step++) {
		put(MAP_ALIAS, "b", "1");
		timer_set(&cache.timer, 0);
		deadline = clock_ms() + 20000;
		wanted = NULL;
		while (cache.step != step && clock_ms() < deadline) {
			/* One step of the loop: the timer below ends it. */
			static struct timer stop;
			stop.fire = (void (*)(struct timer *))loop_stop;
			timer_set(&stop, 0);
			loop_run();
		}
		assert_int_equal(cache.step, step);
		assert_true(cache_flush(&cache));
		put(MAP_ALIAS, "c", "2");
		run_until(is_idle);
	}
	cache_finish(&cache);
	begin();
	assert_int_equal(get(MAP_ALIAS, "a", "1"), NOTHING);
	assert_int_equal(get(MAP_ALIAS, "b", "1"), NOTHING);
	assert_int_equal(get(MAP_ALIAS, "c", "2"), FACT_FOUND);
	cache_finish(&cache);
}

/* --- trouble ---------------------------------------------------------------------- */

/* The child that was forked last: caches that were finished leave theirs until the process ends. */
static pid_t
worker_of_pool(void)
{
	char name[64], text[4096] = "";
	snprintf(name, sizeof name, "/proc/self/task/%d/children", (int)getpid());
	int fd = open(name, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	close(fd);
	assert_true(n > 0);
	pid_t last = 0;
	for (char *at = text, *end; *at != '\0' && *at != '\n'; at = end + strspn(end, " "))
		last = (pid_t)strtol(at, &end, 10);
	return last;
}

static void
fill_memory(char letter)
{
	static char value[20000];
	memset(value, letter, sizeof value - 1);
	for (int i = 0; i < BUSY * 45; i++) {
		char key[20];
		snprintf(key, sizeof key, "large-%d", i);
		put(MAP_ALIAS, key, value);
	}
}

static bool
new_file_is_there(void)
{
	return access(fresh_path, F_OK) == 0;
}

static bool
write_has_failed(void)
{
	return cache.counters.failed_writes > 0;
}

static void
a_writer_that_is_killed_leaves_the_old_file(void **state)
{
	(void)state;
	begin_with((BUSY + 8u) << 20, (BUSY + 8u) << 20);
	put(MAP_ALIAS, "a", "1");
	write_now();
	put(MAP_ALIAS, "a", "2");
	fill_memory('x');
	timer_set(&cache.timer, 0);
	run_until(new_file_is_there);
	kill(worker_of_pool(), SIGKILL);
	run_until(write_has_failed);
	/* What is on the disk is whole, and the old one. */
	struct cache_file f;
	struct cache_record r;
	const char *why;
	assert_true(cache_file_open(&f, path, SIZE_MAX, &why));
	assert_int_equal(cache_file_read(&f, SIZE_MAX, &why), CACHE_READ_DONE);
	assert_int_equal(cache_file_find(&f, MAP_ALIAS, slice_of("a"), &r), CACHE_PRESENT);
	assert_true(slice_is(r.value, "1"));
	cache_file_close(&f);
	assert_int_equal(get(MAP_ALIAS, "a", "2"), FACT_FOUND);
	/* The next write, by another worker, has all that the killed one had in hand. */
	write_now();
	assert_int_equal(cache.counters.writes, 2);
	assert_int_equal(cache_count(&cache)->file_records, BUSY * 45 + 1);
	cache_ring_clear(&cache.ring);
	assert_int_equal(get(MAP_ALIAS, "a", "2"), FACT_FOUND);
	cache_finish(&cache);
}

static void
a_full_disk_leaves_the_old_file_and_memory_serves(void **state)
{
	(void)state;
	begin();
	put(MAP_ALIAS, "a", "1");
	cache_finish(&cache);
	struct rlimit before, small = {.rlim_cur = 3000};
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	begin_with(8u << 20, 8u << 20);
	setrlimit(RLIMIT_FSIZE, &before);
	put(MAP_ALIAS, "a", "2");
	for (int i = 0; i < 1000; i++) {
		char key[20];
		snprintf(key, sizeof key, "key-%d", i);
		put(MAP_ALIAS, key, "value");
	}
	timer_set(&cache.timer, 0);
	run_until(write_has_failed);
	assert_int_equal(access(fresh_path, F_OK), -1);
	assert_int_equal(get(MAP_ALIAS, "a", "2"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "key-7", "value"), FACT_FOUND);
	/* It is tried again, later. */
	assert_true(cache.timer.due > clock_ms() + 50000);
	/* At the end it fails once more, at once. */
	int64_t began = clock_ms();
	cache_finish(&cache);
	assert_true(clock_ms() - began < 1500);
	begin();
	assert_int_equal(get(MAP_ALIAS, "a", "1"), FACT_FOUND);
	cache_finish(&cache);
}

static bool
write_has_ended(void)
{
	return cache.counters.failed_writes + cache.counters.writes > 0;
}

/* As authd does: what a confined loop forks anew can still write. */
static int
confined_life(void)
{
	static const struct contract contract = {.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_READ_FILES |
	    CALLS_WRITE_FILES | CALLS_CONNECT | CALLS_FORK, .memory = 1u << 30, .descriptors = 1024};
	struct sandbox_path p[2];
	begin();
	/* Before: Landlock lets a process signal only what is confined with it. */
	kill(worker_of_pool(), SIGKILL);
	size_t count = cache_paths(&cache, p);
	if (count != 1 || !sandbox_enter(&contract, p, count))
		return 1;
	put(MAP_ALIAS, "a", "1");
	timer_set(&cache.timer, 0);
	/* It fails, or waits for the next worker when the end of this one was seen before. */
	run_until(write_has_ended);
	if (cache.counters.writes == 0)
		write_now();
	bool flushed = cache_flush(&cache);
	put(MAP_ALIAS, "b", "1");
	cache_finish(&cache);
	return flushed && cache.counters.writes == 2 ? 0 : 2;
}

static void
a_writer_that_a_confined_loop_forks_anew_writes(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(confined_life());
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	begin();
	assert_int_equal(get(MAP_ALIAS, "b", "1"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "a", "1"), NOTHING);
	cache_finish(&cache);
}

/* --- the file, damaged and strange ---------------------------------------------------------------------- */

struct sample {
	enum map    map;
	const char *key, *value;
	int64_t     age; /* ms */
};

static const struct sample samples[] = {
    {MAP_MAILBOX, "ann@example.org", "example.org/ann/", 5000},
    {MAP_PASSWORD, "ann@example.org", "$y$hash", 5000},
    {MAP_ALIAS, "ann@example.org", NULL, 5000},
    {MAP_DOMAIN, "example.org", "1", 5000},
};

/* Makes the file without the writer. */
static void
make_file(const struct sample *s, size_t count)
{
	struct cache_file head = {.salt = {1, 2}, .time = clock_unix_us() / 1000, .records = (uint32_t)count};
	struct cdb_make make;
	unlink(path);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && cdb_make_start(&make, fd) == 0);
	struct str record = STR_MOST(100000), value = STR_MOST(100000);
	for (; count > 0; count--, s++) {
		char bytes[CACHE_RECORD_HEAD], key[CACHE_FILE_KEY];
		struct cache_record r = {.time = head.time - s->age, .letter = users_map_letter(s->map),
		    .state = s->value != NULL ? FACT_FOUND : FACT_NONE, .key = slice_of(s->key), .value = slice_of(s->value)};
		cache_record_head(&r, bytes);
		str_clear(&record);
		str_append(&record, bytes, sizeof bytes);
		str_append_slice(&record, r.key);
		str_append_slice(&record, r.value);
		cache_file_key(head.salt, r.letter, r.key, key);
		assert_true(cache_file_encode(&value, str_slice(&record)));
		assert_int_equal(cdb_make_add(&make, key, sizeof key, value.data, (unsigned)value.len), 0);
	}
	char mark[CACHE_MARK_SIZE];
	cache_mark_encode(&head, mark);
	assert_int_equal(cdb_make_add(&make, CACHE_FILE_MARK, sizeof CACHE_FILE_MARK - 1, mark, sizeof mark), 0);
	assert_int_equal(cdb_make_finish(&make), 0);
	close(fd);
	str_free(&record);
	str_free(&value);
}

/* How many samples are found; each that is must be as it was. Also walks the file, as the writer does. */
static size_t
found_rightly(void)
{
	size_t found = 0, walked = 0;
	const size_t count = sizeof samples / sizeof *samples;
	for (size_t i = 0; i < count; i++) {
		int state = get(samples[i].map, samples[i].key, samples[i].value);
		found += state != NOTHING;
		if (state != NOTHING)
			assert_int_equal(state, samples[i].value != NULL ? FACT_FOUND : FACT_NONE);
	}
	struct cache_record r;
	enum cache_lookup l;
	for (size_t at = 0; (l = cache_file_next(&cache.file, &at, &r)) != CACHE_ABSENT;) {
		bool known = false;
		for (size_t i = 0; i < count; i++)
			known = known || (r.letter == users_map_letter(samples[i].map) && slice_is(r.key, samples[i].key) &&
			    slice_equal(r.value, slice_of(samples[i].value)));
		assert_true(l == CACHE_DAMAGED || known);
		assert_true(++walked < 1000);
	}
	return found;
}

static size_t
read_and_find(void)
{
	cache = (struct cache){.path = path, .memory = CACHE_MEMORY_LEAST, .most = MOST, .keep = KEEP};
	assert_true(cache_begin(&cache));
	size_t found = found_rightly();
	cache_finish(&cache);
	return found;
}

static char *
whole_file(size_t *len)
{
	make_file(samples, sizeof samples / sizeof *samples);
	assert_int_equal(read_and_find(), sizeof samples / sizeof *samples);
	char *bytes = file_read_whole(AT_FDCWD, path, MOST, len);
	assert_non_null(bytes);
	return bytes;
}

static void
damage_at_any_byte_gives_no_wrong_answer(void **state)
{
	(void)state;
	size_t len, least = 4;
	char *bytes = whole_file(&len);
	int fd = open(path, O_WRONLY);
	for (size_t at = 0; at < len; at++) {
		static const char masks[] = {1, (char)0x80, (char)0xff};
		char wrong = (char)(bytes[at] ^ masks[at % sizeof masks]);
		assert_int_equal(pwrite(fd, &wrong, 1, (off_t)at), 1);
		size_t found = read_and_find();
		least = found < least ? found : least;
		assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
	}
	assert_int_equal(least, 0); /* the damage was felt */
	assert_int_equal(read_and_find(), 4);
	close(fd);
	free(bytes);
}

static void
a_file_of_any_length_gives_no_wrong_answer(void **state)
{
	(void)state;
	size_t len;
	char *bytes = whole_file(&len);
	for (size_t cut = len; cut-- > 0;) {
		assert_int_equal(truncate(path, (off_t)cut), 0);
		read_and_find();
	}
	assert_int_equal(read_and_find(), 0);
	free(bytes);
}

/* In place, while it is in use: what was read stays. */
static void
a_file_that_is_emptied_while_in_use_does_no_harm(void **state)
{
	(void)state;
	free(whole_file(&(size_t){0}));
	begin();
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(found_rightly(), 4);
	put(MAP_ALIAS, "new", "1");
	write_now();
	assert_int_equal(get(MAP_ALIAS, "new", "1"), FACT_FOUND);
	cache_finish(&cache);
}

static void
noise_other_versions_and_the_files_of_others_are_not_taken(void **state)
{
	(void)state;
	size_t len;
	char *bytes = whole_file(&len);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(read_and_find(), 0);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(read_and_find(), 4);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(read_and_find(), 0);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	/* The version is the mark's first byte. */
	char *mark = memmem(bytes, len, CACHE_FILE_MARK, sizeof CACHE_FILE_MARK - 1);
	assert_non_null(mark);
	mark[sizeof CACHE_FILE_MARK - 1]++;
	int fd = open(path, O_WRONLY);
	assert_true(file_write_at(fd, bytes, len, 0));
	assert_int_equal(read_and_find(), 0);
	unsigned noise = 1;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)((noise = noise * 1103515245 + 12345) >> 16);
		assert_true(file_write_at(fd, bytes, len, 0));
		assert_int_equal(read_and_find(), 0);
	}
	close(fd);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(read_and_find(), 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_and_find(), 0);
	unlink(path);
	free(bytes);
}

static void
damage_is_counted_and_the_next_write_is_whole(void **state)
{
	(void)state;
	size_t len;
	char *bytes = whole_file(&len);
	char *at = memmem(bytes, len, "example.org/ann/", 16);
	assert_non_null(at);
	int fd = open(path, O_WRONLY);
	assert_true(file_write_at(fd, "E", 1, at - bytes));
	close(fd);
	free(bytes);
	begin();
	assert_int_equal(found_rightly(), 3);
	assert_int_equal(found_rightly(), 3);
	assert_int_equal(cache_count(&cache)->damaged, 2);
	put(MAP_MAILBOX, "ann@example.org", "example.org/ann/");
	cache_finish(&cache);
	assert_int_equal(read_and_find(), 4);
}

static void
a_record_of_the_future_is_older_than_any_limit(void **state)
{
	(void)state;
	static const struct sample times[] = {
	    {MAP_ALIAS, "past", "1", 90000}, {MAP_ALIAS, "future", "1", -3600000},
	    {MAP_ALIAS, "old", "1", (int64_t)KEEP * 1000 + 5000}, {MAP_ALIAS, "far-future", "1", -(int64_t)100 * 86400 * 1000}};
	make_file(times, sizeof times / sizeof *times);
	begin();
	struct cache_fact found;
	assert_true(cache_find(&cache, MAP_ALIAS, slice_of("past"), &found));
	assert_true(found.age_ms >= 90000 && found.age_ms < 150000);
	assert_true(cache_find(&cache, MAP_ALIAS, slice_of("future"), &found));
	assert_int_equal(found.age_ms, CACHE_AGE_UNKNOWN);
	/* What is too old, or from so far in the future that no clock explains it, is not written again. */
	put(MAP_ALIAS, "new", "1");
	cache_finish(&cache);
	begin();
	assert_int_equal(get(MAP_ALIAS, "past", "1"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "future", "1"), FACT_FOUND);
	assert_int_equal(get(MAP_ALIAS, "old", "1"), NOTHING);
	assert_int_equal(get(MAP_ALIAS, "far-future", "1"), NOTHING);
	/* A new answer takes the place of one of the future. */
	put(MAP_ALIAS, "future", "2");
	cache_finish(&cache);
	begin();
	assert_int_equal(get(MAP_ALIAS, "future", "2"), FACT_FOUND);
	cache_finish(&cache);
}

static void
a_child_has_no_file(void **state)
{
	(void)state;
	free(whole_file(&(size_t){0}));
	begin();
	int status = status_of_child_that_reads(cache.file.bytes);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	cache_finish(&cache);
}

static int
make_directory(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/cache.cdb", directory);
	snprintf(fresh_path, sizeof fresh_path, "%s.new", path);
	return 0;
}

static int
remove_directory(void **state)
{
	clean(state);
	return rmdir(directory);
}

#define RING(test) cmocka_unit_test_setup_teardown(test, begin_ring, end_ring)
#define CACHE(test) cmocka_unit_test_setup(test, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_hash_is_siphash),
	    RING(keys_are_told_apart_whatever_bytes_they_hold),
	    RING(the_same_answer_again_takes_no_room_and_another_takes_its_place),
	    RING(it_wraps_with_values_of_all_sizes),
	    RING(what_is_too_large_is_not_kept_and_hides_what_was),
	    RING(nobody_can_choose_keys_that_collide),
	    RING(clearing_leaves_nothing),
	    RING(a_child_has_no_arena),
	    CACHE(after_a_restart_the_same_is_found),
	    CACHE(without_a_path_or_directory_memory_serves),
	    CACHE(what_changed_since_the_last_write_is_merged),
	    CACHE(an_answer_that_did_not_change_is_no_news),
	    CACHE(writes_come_seconds_after_the_news_and_far_apart),
	    CACHE(the_file_is_bounded_and_the_oldest_are_left_out),
	    CACHE(long_answers_come_into_the_file),
	    CACHE(a_flush_forgets_memory_and_file_and_what_is_on_its_way),
	    CACHE(a_writer_that_is_killed_leaves_the_old_file),
	    CACHE(a_full_disk_leaves_the_old_file_and_memory_serves),
	    CACHE(a_writer_that_a_confined_loop_forks_anew_writes),
	    CACHE(damage_at_any_byte_gives_no_wrong_answer),
	    CACHE(a_file_of_any_length_gives_no_wrong_answer),
	    CACHE(a_file_that_is_emptied_while_in_use_does_no_harm),
	    CACHE(noise_other_versions_and_the_files_of_others_are_not_taken),
	    CACHE(damage_is_counted_and_the_next_write_is_whole),
	    CACHE(a_record_of_the_future_is_older_than_any_limit),
	    CACHE(a_child_has_no_file),
	};
	return cmocka_run_group_tests_name("authd cache", tests, make_directory, remove_directory);
}
