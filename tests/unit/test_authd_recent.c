/* authd/recent.h: what SQL answered a moment ago, and no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "authd/recent.h"

static struct recent recent;

static int
begin(void **state)
{
	(void)state;
	recent_begin(&recent);
	return 0;
}

static void
it_tells_keys_and_maps_apart(void **state)
{
	(void)state;
	recent_note(&recent, MAP_MAILBOX, slice_of("ann@example.org"), FACT_FOUND, slice_of("a/"));
	recent_note(&recent, MAP_ALIAS, slice_of("ann@example.org"), FACT_NONE, slice_of(""));
	const struct recent_fact *f = recent_find(&recent, MAP_MAILBOX, slice_of("ann@example.org"));
	assert_non_null(f);
	assert_true(slice_is(slice_make(f->value, f->value_len), "a/"));
	f = recent_find(&recent, MAP_ALIAS, slice_of("ann@example.org"));
	assert_non_null(f);
	assert_int_equal(f->state, FACT_NONE);
	assert_null(recent_find(&recent, MAP_MAILBOX, slice_of("ann@example.or")));
	assert_null(recent_find(&recent, MAP_QUOTA, slice_of("ann@example.org")));
}

static void
passwords_trouble_and_what_is_long_are_not_kept(void **state)
{
	(void)state;
	static char large[RECENT_VALUE_MOST + 1];
	recent_note(&recent, MAP_PASSWORD, slice_of("p"), FACT_FOUND, slice_of("hash"));
	recent_note(&recent, MAP_MAILBOX, slice_of("later"), FACT_LATER, slice_of(""));
	recent_note(&recent, MAP_MAILBOX, slice_of("large"), FACT_FOUND, slice_make(large, sizeof large));
	recent_note(&recent, MAP_MAILBOX, slice_make(large, RECENT_KEY_MOST + 1), FACT_FOUND, slice_of(""));
	assert_null(recent_find(&recent, MAP_PASSWORD, slice_of("p")));
	assert_null(recent_find(&recent, MAP_MAILBOX, slice_of("later")));
	assert_null(recent_find(&recent, MAP_MAILBOX, slice_of("large")));
	assert_null(recent_find(&recent, MAP_MAILBOX, slice_make(large, RECENT_KEY_MOST + 1)));
}

static void
it_forgets_within_a_second(void **state)
{
	(void)state;
	recent_note(&recent, MAP_DOMAIN, slice_of("example.org"), FACT_FOUND, slice_of("1"));
	assert_non_null(recent_find(&recent, MAP_DOMAIN, slice_of("example.org")));
	usleep((RECENT_LIFE + 10) * 1000);
	assert_null(recent_find(&recent, MAP_DOMAIN, slice_of("example.org")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(it_tells_keys_and_maps_apart, begin),
	    cmocka_unit_test_setup(passwords_trouble_and_what_is_long_are_not_kept, begin),
	    cmocka_unit_test_setup(it_forgets_within_a_second, begin),
	};
	return cmocka_run_group_tests_name("authd recent", tests, NULL, NULL);
}
