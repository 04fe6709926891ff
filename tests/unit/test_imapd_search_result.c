/* What SEARCH RETURN (SAVE) keeps: RFC 5182. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "imapd/search_result.h"

static struct session session;
static struct str     said;

/* $ holds one UID from before. */
static void
begin(void)
{
	said = STR_MOST(1000);
	output_open_memory(&session.out, &said);
	session.view.saved = (struct sequence_set){.ranges = calloc(1, sizeof(struct sequence_range)), .count = 1};
	assert_non_null(session.view.saved.ranges);
	session.view.saved.ranges[0] = (struct sequence_range){7, 7};
}

/* Section 2.1: what a server cannot save is a NO with NOTSAVED, and $ is empty then. Nothing is told of what was found. */
static void
test_what_cannot_be_saved(void **state)
{
	static const struct search_return kinds[] = {
		{.given = true, .save = true},
		{.given = true, .save = true, .all = true, .count = true},
	};
	struct matches found = {.count = SIZE_MAX / 2}; /* there is no such memory */
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		begin();
		struct answer a = search_answer(&session, &kinds[i], &found);
		assert_int_equal(a.status, ANSWER_NO);
		assert_string_equal(a.code, "NOTSAVED");
		assert_int_equal(session.view.saved.count, 0);
		assert_null(session.view.saved.ranges);
		assert_int_equal(said.len, 0);
		str_free(&said);
	}
}

/* A search that fails for another reason leaves nothing in $ either; one that is no command of the grammar leaves it as it was. */
static void
test_a_search_that_fails(void **state)
{
	const struct search_return r = {.given = true, .save = true}, other = {.given = true, .all = true};
	struct answer no = answer_no("UNAVAILABLE", "x"), bad = answer_bad("x");
	(void)state;
	begin();
	search_forget(&session, &r, &bad);
	search_forget(&session, &other, &no);
	assert_int_equal(session.view.saved.count, 1);
	search_forget(&session, &r, &no);
	assert_int_equal(session.view.saved.count, 0);
	str_free(&said);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_cannot_be_saved),
		cmocka_unit_test(test_a_search_that_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
