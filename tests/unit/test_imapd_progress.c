/* What a long command says of itself: RFC 9585. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "imapd/progress.h"
#include "lib/base/clock.h"

static struct session session;
static struct str     said;

static void
begin(void)
{
	said = STR_MOST(1000);
	session.tag = slice_of("A001");
	output_open_memory(&session.out, &said);
}

/* Section 4: an untagged OK with the command's tag, how far it is, and how far it goes; sent at once. */
static void
test_it_is_told_when_it_is_time(void **state)
{
	(void)state;
	begin();
	struct progress p = progress_begin(1000);
	p.next = 0;
	progress_at(&p, &session, 454);
	assert_string_equal(str_text(&said), "* OK [INPROGRESS (\"A001\" 454 1000)] still at work\r\n");
	str_free(&said);
}

/* Section 4: the tag is NIL if it has a bracket, which would end the code for a client that looks for one. */
static void
test_a_tag_with_a_bracket_is_not_told(void **state)
{
	(void)state;
	begin();
	session.tag = slice_of("a]1");
	struct progress p = progress_begin(1000);
	p.next = 0;
	progress_at(&p, &session, 454);
	assert_string_equal(str_text(&said), "* OK [INPROGRESS (NIL 454 1000)] still at work\r\n");
	str_free(&said);
}

static void
test_not_before_and_not_again_at_once(void **state)
{
	(void)state;
	begin();
	struct progress p = progress_begin(1000);
	assert_in_range(p.next - clock_ms(), PROGRESS_EVERY - 1000, PROGRESS_EVERY);
	progress_at(&p, &session, 1);
	assert_int_equal(said.len, 0);
	p.next = 0;
	progress_at(&p, &session, 2);
	size_t len = said.len;
	progress_at(&p, &session, 3);
	assert_int_equal(said.len, len);
	str_free(&said);
}

/* Progress is below its goal. */
static void
test_nothing_when_all_is_done(void **state)
{
	(void)state;
	begin();
	struct progress p = progress_begin(10);
	p.next = 0;
	progress_at(&p, &session, 10);
	assert_int_equal(said.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_told_when_it_is_time),
		cmocka_unit_test(test_a_tag_with_a_bracket_is_not_told),
		cmocka_unit_test(test_not_before_and_not_again_at_once),
		cmocka_unit_test(test_nothing_when_all_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
