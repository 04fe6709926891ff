/* authd/failures.h: who guesses is slowed down and refused, and locks nobody else out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "authd/failures.h"
#include "lib/base/log.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define ATTACKER "203.0.113.9"
#define HOME "198.51.100.7"
#define ANN "ann@example.org"
#define BOB "bob@example.org"

static struct failures *failures;
static int64_t now;
static unsigned passwords;

static int
begin(void **state)
{
	(void)state;
	static const struct failures_options options = {30, 100, 3600, "127.0.0.0/8 [::1]/128 192.0.2.0/24"};
	struct str problem = STR_MOST(200);
	log_set_level(LOG_ERROR + 1);
	failures = calloc(1, sizeof *failures);
	assert_non_null(failures);
	assert_true(failures_begin(failures, &options, &problem));
	str_free(&problem);
	now = 5 * DAY;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(failures);
	return 0;
}

/* With a password that nobody tried before. */
static struct failures_answer
fails(const char *client, const char *account)
{
	char tag[32];
	snprintf(tag, sizeof tag, "%u", ++passwords);
	return failures_note(failures, slice_of(client), slice_of(account), slice_of(tag), now);
}

static void
fails_times(unsigned times, const char *client, const char *account)
{
	while (times-- > 0)
		fails(client, account);
}

static bool
refused(const char *client, const char *account)
{
	return failures_before(failures, slice_of(client), slice_of(account), now).refuse;
}

static void
succeeds(const char *client, const char *account)
{
	failures_succeeded(failures, slice_of(client), slice_of(account), now);
}

/* From so many addresses, once each. */
static void
attack_from_everywhere(unsigned addresses, const char *account)
{
	char client[32];
	for (unsigned i = 0; i < addresses; i++) {
		snprintf(client, sizeof client, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		fails(client, account);
	}
}

static void
the_delay_grows_to_fifteen_seconds(void **state)
{
	(void)state;
	static const int64_t seconds[] = {0, 0, 1, 2, 4, 8, 15, 15};
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
		assert_int_equal(fails(ATTACKER, ANN).delay_ms, seconds[i] * SECOND);
	assert_int_equal(fails(HOME, BOB).delay_ms, 0);
}

static void
an_address_is_refused_at_its_limit_and_taken_again_when_half_has_drained(void **state)
{
	(void)state;
	fails_times(29, ATTACKER, ANN);
	assert_false(refused(ATTACKER, ""));
	assert_true(fails(ATTACKER, BOB).refuse);
	assert_true(refused(ATTACKER, ""));
	assert_false(refused(HOME, ""));
	now += 29 * MINUTE;
	assert_true(refused(ATTACKER, ""));
	now += 2 * MINUTE;
	assert_false(refused(ATTACKER, ""));
}

static void
in_the_long_run_nobody_gets_more_guesses_than_the_limit(void **state)
{
	(void)state;
	/* Asked ten times a second: rounding must not keep the level from draining. */
	unsigned guesses = 0;
	for (int64_t end_at = now + 6 * HOUR; now < end_at; now += 100)
		if (!refused(ATTACKER, ANN)) {
			fails(ATTACKER, ANN);
			guesses++;
		}
	assert_in_range(guesses, 6 * 30 - 30, 6 * 30 + 30);
}

static void
a_flood_in_flight_is_not_refused_for_longer_than_a_window(void **state)
{
	(void)state;
	fails_times(2000, ATTACKER, ANN);
	now += HOUR + MINUTE;
	assert_false(refused(ATTACKER, BOB));
}

static void
an_address_is_a_v4_host_or_a_v6_network(void **state)
{
	(void)state;
	fails_times(15, "203.0.113.9", ANN);
	fails_times(15, "::ffff:203.0.113.9", ANN);
	assert_true(refused("203.0.113.9", BOB));
	assert_false(refused("203.0.113.10", BOB));
	char client[40];
	for (unsigned i = 0; i < 30; i++) {
		snprintf(client, sizeof client, "2001:db8:0:1:%x::1", i);
		fails(client, BOB);
	}
	assert_true(refused("2001:db8:0:1::7777", "carol@example.org"));
	assert_false(refused("2001:db8:0:2::1", "carol@example.org"));
}

static void
exempt_addresses_and_local_clients_are_never_refused_but_wait(void **state)
{
	(void)state;
	static const char *const exempt[] = {"127.0.0.1", "::1", "192.0.2.77", "::ffff:192.0.2.77", "", "unknown"};
	for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++) {
		fails_times(100, exempt[i], ANN);
		assert_false(refused(exempt[i], ANN));
		assert_int_equal(fails(exempt[i], ANN).delay_ms, 15 * SECOND);
		assert_int_equal(fails(exempt[i], "other@example.org").delay_ms > 0, i >= 2);
	}
}

static void
a_success_forgives_what_that_address_failed_for_that_account(void **state)
{
	(void)state;
	fails_times(6, HOME, ANN);
	succeeds(HOME, ANN);
	assert_int_equal(fails(HOME, ANN).delay_ms, 0);
}

static void
an_account_of_ones_own_buys_no_guesses_at_others(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		fails(ATTACKER, ANN);
		fails(ATTACKER, "mallory@example.org");
		succeeds(ATTACKER, "mallory@example.org");
	}
	assert_true(refused(ATTACKER, ""));
}

static void
nor_do_failures_of_ones_own_that_have_long_drained(void **state)
{
	(void)state;
	fails_times(28, ATTACKER, "mallory@example.org");
	now += HOUR;
	fails_times(29, ATTACKER, ANN);
	succeeds(ATTACKER, "mallory@example.org");
	fails(ATTACKER, ANN);
	assert_true(refused(ATTACKER, ""));
}

static void
nor_a_flood_of_ones_own_beyond_the_limit(void **state)
{
	(void)state;
	fails_times(29, ATTACKER, ANN);
	fails_times(500, ATTACKER, "mallory@example.org");
	succeeds(ATTACKER, "mallory@example.org");
	fails(ATTACKER, ANN);
	assert_true(refused(ATTACKER, ""));
}

static void
an_attacked_account_is_closed_to_strangers_and_open_to_its_owner(void **state)
{
	(void)state;
	succeeds(HOME, ANN);
	now += 10 * DAY;
	attack_from_everywhere(100, ANN);
	assert_true(refused("203.0.113.80", ANN));
	assert_false(refused("203.0.113.80", BOB));
	assert_false(refused(HOME, ANN));
	/* His own mistake costs him no wait for what the others did. */
	assert_int_equal(fails(HOME, ANN).delay_ms, 0);
	succeeds(HOME, ANN);
	assert_true(refused("203.0.113.80", ANN));
	now += 31 * MINUTE;
	assert_false(refused("203.0.113.80", ANN));
}

static void
a_success_long_ago_counts_no_more(void **state)
{
	(void)state;
	succeeds(HOME, ANN);
	now += 15 * DAY;
	attack_from_everywhere(100, ANN);
	assert_true(refused(HOME, ANN));
}

static void
another_account_of_ones_own_pushes_no_owner_out_of_memory(void **state)
{
	(void)state;
	char client[32];
	succeeds(HOME, ANN);
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(client, sizeof client, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		succeeds(client, "mallory@example.org");
	}
	attack_from_everywhere(100, ANN);
	assert_false(refused(HOME, ANN));
}

static void
a_phone_with_an_old_password_is_not_locked_out(void **state)
{
	(void)state;
	for (unsigned minute = 0; minute < 24 * 60; minute++) {
		failures_note(failures, slice_of(HOME), slice_of(ANN), slice_of("old"), now);
		failures_note(failures, slice_of(HOME), slice_of(BOB), slice_of("old too"), now);
		now += MINUTE;
		assert_false(refused(HOME, ANN));
	}
}

static void
a_flood_of_one_wrong_password_is_refused_in_the_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 620; i++)
		failures_note(failures, slice_of(HOME), slice_of(ANN), slice_of("old"), now);
	assert_true(refused(HOME, ANN));
}

static void
without_a_tag_each_failure_is_a_new_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 30; i++)
		failures_note(failures, slice_of(HOME), slice_of(ANN), slice_of(""), now);
	assert_true(refused(HOME, ANN));
}

static void
many_addresses_push_no_refused_one_out_of_memory(void **state)
{
	(void)state;
	fails_times(30, ATTACKER, ANN);
	attack_from_everywhere(300000, BOB);
	assert_true(refused(ATTACKER, "carol@example.org"));
}

static void
many_accounts_push_no_attacked_one_out_of_memory(void **state)
{
	(void)state;
	char account[32];
	attack_from_everywhere(100, ANN);
	for (unsigned i = 0; i < 300000; i++) {
		snprintf(account, sizeof account, "u%u@example.org", i);
		fails("127.0.0.1", account);
	}
	assert_true(refused("203.0.113.80", ANN));
}

static void
limits_of_zero_count_nothing(void **state)
{
	(void)state;
	failures->options.per_address = failures->options.per_account = 0;
	fails_times(1000, ATTACKER, ANN);
	assert_false(refused(ATTACKER, ANN));
	assert_int_equal(fails(ATTACKER, ANN).delay_ms, 0);
	succeeds(ATTACKER, ANN);
}

static void
the_largest_limits_do_not_overflow(void **state)
{
	(void)state;
	failures->options.per_address = failures->options.per_account = FAILURES_LIMIT_MOST;
	failures->options.window = FAILURES_WINDOW_MOST;
	fails_times(FAILURES_LIMIT_MOST - 1, ATTACKER, ANN);
	assert_false(refused(ATTACKER, ANN));
	fails_times(2, ATTACKER, ANN);
	assert_true(refused(ATTACKER, ANN));
	now += FAILURES_WINDOW_MOST * SECOND * 3 / 4;
	assert_false(refused(ATTACKER, ANN));
	failures->options.window = 1;
	fails_times(10, ATTACKER, ANN);
	now += 400 * DAY;
	assert_int_equal(fails(ATTACKER, ANN).delay_ms, 0);
}

static void
a_wrong_list_of_exempt_networks_is_told(void **state)
{
	(void)state;
	const struct failures_options options = {30, 100, 3600, "127.0.0.0/8 10.0.0.1/8"};
	struct str problem = STR_MOST(200);
	assert_false(failures_begin(failures, &options, &problem));
	assert_true(slice_starts(str_slice(&problem), "\"10.0.0.1/8\": write networks like"));
	str_free(&problem);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_delay_grows_to_fifteen_seconds),
	    TEST(an_address_is_refused_at_its_limit_and_taken_again_when_half_has_drained),
	    TEST(in_the_long_run_nobody_gets_more_guesses_than_the_limit),
	    TEST(a_flood_in_flight_is_not_refused_for_longer_than_a_window),
	    TEST(an_address_is_a_v4_host_or_a_v6_network),
	    TEST(exempt_addresses_and_local_clients_are_never_refused_but_wait),
	    TEST(a_success_forgives_what_that_address_failed_for_that_account),
	    TEST(an_account_of_ones_own_buys_no_guesses_at_others),
	    TEST(nor_do_failures_of_ones_own_that_have_long_drained),
	    TEST(nor_a_flood_of_ones_own_beyond_the_limit),
	    TEST(an_attacked_account_is_closed_to_strangers_and_open_to_its_owner),
	    TEST(a_success_long_ago_counts_no_more),
	    TEST(another_account_of_ones_own_pushes_no_owner_out_of_memory),
	    TEST(a_phone_with_an_old_password_is_not_locked_out),
	    TEST(a_flood_of_one_wrong_password_is_refused_in_the_end),
	    TEST(without_a_tag_each_failure_is_a_new_one),
	    TEST(many_addresses_push_no_refused_one_out_of_memory),
	    TEST(many_accounts_push_no_attacked_one_out_of_memory),
	    TEST(limits_of_zero_count_nothing),
	    TEST(the_largest_limits_do_not_overflow),
	    TEST(a_wrong_list_of_exempt_networks_is_told),
	};
	return cmocka_run_group_tests_name("authd failures", tests, NULL, NULL);
}
