/* Which job of LMTP a deliver worker gets (deliver/lmtp_lines.h). Peers and workers are but places in memory. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/lmtp_lines.h"

static int one, other; /* workers */

static void
add(struct lmtp_peer *p, const char *tag, const char *address)
{
	char fields[64];
	int len = snprintf(fields, sizeof fields, "%s%cid-%s%cfrom%c%s%c", tag, 0, tag, 0, 0, address, 0);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && len > 0);
	assert_true(lmtp_lines_add(p, slice_make(fields, (size_t)len), address, fd, 7));
}

static struct lmtp_job *
expect(void *worker, const char *tag)
{
	struct lmtp_job *j = lmtp_lines_next(worker);
	assert_non_null(j);
	assert_string_equal(j->tag, tag);
	return j;
}

static void
test_a_job_is_what_was_asked(void **state)
{
	(void)state;
	struct lmtp_peer p = {.waiting = 0};
	add(&p, "17", "a@x.test");
	struct lmtp_job *j = expect(&one, "17");
	assert_string_equal(j->id, "id-17");
	assert_int_equal(j->rest.len, sizeof "id-17" + sizeof "from" + sizeof "a@x.test");
	assert_memory_equal(j->rest.data, "id-17\0from\0a@x.test", j->rest.len);
	assert_int_equal(j->size, 7);
	assert_false(lmtp_lines_wait());
	lmtp_lines_done(j);
	assert_int_equal(p.given, 0);
}

static void
test_peers_take_turns(void **state)
{
	(void)state;
	struct lmtp_peer p = {.waiting = 0}, q = {.waiting = 0};
	add(&p, "p1", "a@x.test");
	add(&p, "p2", "b@x.test");
	add(&p, "p3", "c@x.test");
	add(&q, "q1", "d@x.test");
	struct lmtp_job *jobs[] = {expect(&one, "p1"), expect(&one, "q1"), expect(&one, "p2"), expect(&one, "p3")};
	assert_null(lmtp_lines_next(&one));
	for (size_t i = 0; i < 4; i++)
		lmtp_lines_done(jobs[i]);
}

static void
test_a_peers_jobs_are_with_one_worker(void **state)
{
	(void)state;
	struct lmtp_peer p = {.waiting = 0};
	add(&p, "p1", "a@x.test");
	add(&p, "p2", "b@x.test");
	struct lmtp_job *first = expect(&one, "p1");
	assert_null(lmtp_lines_next(&other));
	struct lmtp_job *second = lmtp_lines_further(&p);
	assert_string_equal(second->tag, "p2");
	assert_ptr_equal(p.worker, &one);
	lmtp_lines_done(first);
	add(&p, "p3", "c@x.test");
	assert_null(lmtp_lines_next(&other));
	lmtp_lines_done(second);
	assert_null(lmtp_lines_further(&p));
	lmtp_lines_done(expect(&other, "p3"));
}

static void
test_a_mailbox_is_with_one_worker(void **state)
{
	(void)state;
	struct lmtp_peer p = {.waiting = 0}, q = {.waiting = 0}, r = {.waiting = 0};
	add(&p, "p1", "a@x.test");
	struct lmtp_job *first = expect(&one, "p1");
	add(&q, "q1", "a@x.test");
	add(&r, "r1", "b@x.test");
	struct lmtp_job *third = expect(&other, "r1");
	assert_null(lmtp_lines_next(&other));
	struct lmtp_job *second = expect(&one, "q1");
	lmtp_lines_done(first);
	lmtp_lines_done(second);
	lmtp_lines_done(third);
}

static void
test_who_leaves_is_waited_for_no_more(void **state)
{
	(void)state;
	struct lmtp_peer p = {.waiting = 0}, q = {.waiting = 0};
	add(&p, "p1", "a@x.test");
	struct lmtp_job *given = expect(&one, "p1");
	add(&p, "p2", "b@x.test");
	add(&q, "q1", "c@x.test");
	void *jobs[] = {given};
	lmtp_lines_leave(&p, jobs, 1);
	assert_null(given->peer);
	struct lmtp_job *next = expect(&one, "q1");
	assert_false(lmtp_lines_wait());
	lmtp_lines_done(given);
	lmtp_lines_done(next);
	/* Its mailbox is free for all. */
	add(&q, "q2", "a@x.test");
	lmtp_lines_done(expect(&other, "q2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_job_is_what_was_asked),
		cmocka_unit_test(test_peers_take_turns),
		cmocka_unit_test(test_a_peers_jobs_are_with_one_worker),
		cmocka_unit_test(test_a_mailbox_is_with_one_worker),
		cmocka_unit_test(test_who_leaves_is_waited_for_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
