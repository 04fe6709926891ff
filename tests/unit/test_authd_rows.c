/* authd/rows.h: rows and columns as one text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authd/rows.h"

static void
test_one_unnamed_value(void **state)
{
	(void)state;
	struct slice rest = slice_of("$6$salt$hash"), row, value;
	assert_true(rows_next(&rest, &row));
	assert_true(row_column(row, "password", "password", &value));
	assert_true(slice_is(value, "$6$salt$hash"));
	assert_false(row_column(row, "user", "password", &value));
	assert_false(rows_next(&rest, &row));
}

static void
test_named_columns_of_several_rows(void **state)
{
	(void)state;
	struct str rows = STR_MOST(1000);
	rows_begin(&rows);
	row_add(&rows, slice_of("Password"), slice_of("one"));
	row_add(&rows, slice_of("disableimap"), slice_of("1"));
	rows_begin(&rows);
	row_add(&rows, slice_of("password"), slice_of("two"));
	row_add(&rows, slice_of("allow_nets"), slice_of(""));
	struct slice rest = str_slice(&rows), row, value;
	assert_true(rows_next(&rest, &row));
	assert_true(row_column(row, "password", "password", &value) && slice_is(value, "one"));
	assert_true(row_flag(row, "disableimap"));
	assert_false(row_flag(row, "disablepop3"));
	assert_true(rows_next(&rest, &row));
	assert_true(row_column(row, "password", "password", &value) && slice_is(value, "two"));
	assert_true(row_column(row, "allow_nets", "password", &value) && value.len == 0);
	assert_false(row_flag(row, "allow_nets"));
	assert_false(rows_next(&rest, &row));
	str_free(&rows);
}

static void
test_values_that_cannot_stand_in_a_row(void **state)
{
	(void)state;
	assert_true(row_value_ok(slice_of("any text, \xff\x01 too")));
	assert_false(row_value_ok(slice_make("a\0b", 3)));
	assert_false(row_value_ok(slice_of("a\x1e" "b")));
	assert_false(row_value_ok(slice_of("a\x1f" "b")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_unnamed_value),
	    cmocka_unit_test(test_named_columns_of_several_rows),
	    cmocka_unit_test(test_values_that_cannot_stand_in_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
