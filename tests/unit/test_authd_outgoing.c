/* authd/outgoing.h: a login's mail is held past its limits, however it is spread over time and logins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "authd/outgoing.h"

#define NOON 1795694400 /* an hour begins */
#define MINUTE 60
#define HOUR (60 * MINUTE)

static struct outgoing *outgoing;
static struct outgoing_state got;

static void
begin_with(uint64_t hour, uint64_t day, const char *exceptions)
{
	struct str problem = STR_MOST(200);
	outgoing = calloc(1, sizeof *outgoing);
	assert_non_null(outgoing);
	assert_true(outgoing_begin(outgoing, (struct outgoing_limits){hour, day}, exceptions, &problem));
	str_free(&problem);
}

static int
begin(void **state)
{
	(void)state;
	begin_with(300, 1000, "");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(outgoing->exceptions);
	free(outgoing);
	return 0;
}

static enum outgoing_verdict
sends(const char *login, uint64_t recipients, int64_t at)
{
	return outgoing_count(outgoing, slice_of(login), recipients, at, &got);
}

static void
a_message_over_the_hours_limit_is_held_and_told_once(void **state)
{
	(void)state;
	assert_int_equal(sends("ann@example.org", 299, NOON), OUTGOING_PASS);
	assert_int_equal(sends("ann@example.org", 1, NOON + 1), OUTGOING_PASS);
	assert_string_equal(got.why, "");
	assert_int_equal(sends("ann@example.org", 1, NOON + 2), OUTGOING_HOLD_FIRST);
	assert_string_equal(got.why, "301 recipients within an hour, the limit is 300");
	assert_int_equal(sends("ann@example.org", 1, NOON + 3), OUTGOING_HOLD_AGAIN);
	assert_int_equal(got.hour, 302);
	assert_int_equal(sends("bob@example.org", 1, NOON + 3), OUTGOING_PASS);
}

static void
no_sixty_minutes_see_more_than_the_limit(void **state)
{
	(void)state;
	/* Sent just before a step of 5 minutes ends: still counted 59 minutes later, free after 65. */
	assert_int_equal(sends("ann@example.org", 300, NOON + 4 * MINUTE), OUTGOING_PASS);
	assert_int_equal(sends("ann@example.org", 1, NOON + 63 * MINUTE), OUTGOING_HOLD_FIRST);
	assert_int_equal(sends("bob@example.org", 300, NOON + 4 * MINUTE), OUTGOING_PASS);
	assert_int_equal(sends("bob@example.org", 300, NOON + 70 * MINUTE), OUTGOING_PASS);
}

static void
slow_senders_meet_the_days_limit(void **state)
{
	(void)state;
	for (int hour = 0; hour < 20; hour++)
		assert_int_equal(sends("ann@example.org", 50, NOON + hour * HOUR), OUTGOING_PASS);
	assert_int_equal(sends("ann@example.org", 50, NOON + 20 * HOUR), OUTGOING_HOLD_FIRST);
	assert_string_equal(got.why, "1050 recipients within a day, the limit is 1000");
	/* The first hour's are forgotten after a day. */
	assert_int_equal(sends("ann@example.org", 0, NOON + 26 * HOUR), OUTGOING_PASS);
	assert_int_equal(got.day, 20 * 50 + 50 - 2 * 50);
}

static void
who_goes_on_is_told_of_once_an_hour_or_once_a_day(void **state)
{
	(void)state;
	begin_with(300, 0, "");
	int first = 0;
	for (int minute = 0; minute < 3 * 60; minute++)
		first += sends("ann@example.org", 100, NOON + minute * MINUTE) == OUTGOING_HOLD_FIRST;
	assert_int_equal(first, 3);
	end(NULL);
	begin_with(0, 300, "");
	first = 0;
	for (int minute = 0; minute < 3 * 60; minute++)
		first += sends("ann@example.org", 100, NOON + minute * MINUTE) == OUTGOING_HOLD_FIRST;
	assert_int_equal(first, 1);
}

static void
zero_is_no_limit_and_large_numbers_do_not_wrap(void **state)
{
	(void)state;
	begin_with(0, 0, "");
	assert_int_equal(sends("ann@example.org", UINT64_MAX, NOON), OUTGOING_PASS);
	assert_int_equal(sends("ann@example.org", UINT64_MAX, NOON), OUTGOING_PASS);
	assert_int_equal(got.hour, UINT32_MAX);
	end(NULL);
	begin_with(300, 1000, "");
	assert_int_equal(sends("ann@example.org", UINT64_MAX, NOON), OUTGOING_HOLD_FIRST);
	assert_int_equal(sends("ann@example.org", 1, NOON), OUTGOING_HOLD_AGAIN);
}

static void
a_clock_that_goes_back_frees_nobody_and_locks_nobody_for_ever(void **state)
{
	(void)state;
	assert_int_equal(sends("ann@example.org", 301, NOON), OUTGOING_HOLD_FIRST);
	assert_int_equal(sends("ann@example.org", 1, NOON - 2 * HOUR), OUTGOING_HOLD_AGAIN);
	assert_int_equal(sends("bob@example.org", 301, NOON + 10000 * HOUR), OUTGOING_HOLD_FIRST);
	assert_int_equal(sends("bob@example.org", 1, NOON), OUTGOING_PASS);
}

static void
exceptions_are_for_a_login_or_a_domain(void **state)
{
	(void)state;
	end(NULL);
	begin_with(300, 1000, "# newsletters\nNews@Example.org 0 0\n\n@example.org\t5 10\r\n  root 1 1");
	assert_int_equal(sends("news@example.org", 100000, NOON), OUTGOING_PASS);
	assert_int_equal(sends("ann@example.org", 6, NOON), OUTGOING_HOLD_FIRST);
	assert_int_equal(got.limits.day, 10);
	assert_int_equal(sends("ann@mail.example.org", 6, NOON), OUTGOING_PASS);
	assert_int_equal(sends("root", 2, NOON), OUTGOING_HOLD_FIRST);
}

static void
wrong_exceptions_are_told_with_their_line(void **state)
{
	(void)state;
	static const char *const wrong[] = {"\nann@example.org", "#\nann@example.org 5", "\nann@example.org 5 10 15",
	    "\nann@example.org 5 many", "\nann@example.org -1 5", "\n5 10 99999999999"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct str problem = STR_MOST(200);
		struct outgoing *o = calloc(1, sizeof *o);
		assert_non_null(o);
		assert_false(outgoing_begin(o, (struct outgoing_limits){1, 1}, wrong[i], &problem));
		assert_true(slice_starts(str_slice(&problem), "line 2: "));
		free(o->exceptions);
		free(o);
		str_free(&problem);
	}
}

static void
many_other_logins_do_not_push_out_the_one_that_is_over(void **state)
{
	(void)state;
	char login[32];
	assert_int_equal(sends("ann@example.org", 301, NOON), OUTGOING_HOLD_FIRST);
	for (int i = 0; i < 10 * OUTGOING_LOGINS; i++) {
		snprintf(login, sizeof login, "u%d@example.org", i);
		assert_int_equal(sends(login, 1, NOON + 1), OUTGOING_PASS);
	}
	assert_int_equal(sends("ann@example.org", 1, NOON + 2), OUTGOING_HOLD_AGAIN);
}

static void
as_many_logins_as_a_large_server_has_are_all_remembered(void **state)
{
	(void)state;
	char login[32];
	unsigned forgotten = 0;
	for (int round = 1; round <= 2; round++)
		for (int i = 0; i < OUTGOING_LOGINS / 2; i++) {
			snprintf(login, sizeof login, "u%d@example.org", i);
			sends(login, 1, NOON + round);
			forgotten += got.hour != (unsigned)round;
		}
	/* Sets fill unevenly: one in a hundred may be. */
	assert_in_range(forgotten, 0, OUTGOING_LOGINS / 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_message_over_the_hours_limit_is_held_and_told_once, begin, end),
	    cmocka_unit_test_setup_teardown(no_sixty_minutes_see_more_than_the_limit, begin, end),
	    cmocka_unit_test_setup_teardown(slow_senders_meet_the_days_limit, begin, end),
	    cmocka_unit_test_teardown(who_goes_on_is_told_of_once_an_hour_or_once_a_day, end),
	    cmocka_unit_test_teardown(zero_is_no_limit_and_large_numbers_do_not_wrap, end),
	    cmocka_unit_test_setup_teardown(a_clock_that_goes_back_frees_nobody_and_locks_nobody_for_ever, begin, end),
	    cmocka_unit_test_setup_teardown(exceptions_are_for_a_login_or_a_domain, begin, end),
	    cmocka_unit_test(wrong_exceptions_are_told_with_their_line),
	    cmocka_unit_test_setup_teardown(many_other_logins_do_not_push_out_the_one_that_is_over, begin, end),
	    cmocka_unit_test_setup_teardown(as_many_logins_as_a_large_server_has_are_all_remembered, begin, end),
	};
	return cmocka_run_group_tests_name("authd outgoing", tests, NULL, NULL);
}
