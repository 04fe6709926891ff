/* Which certificates are for a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tlsd/shelf.h"

static struct shelf *shelf;

static void
put(uint64_t id, const char *key, int64_t ends, const char *names)
{
	assert_true(shelf_add(shelf, id, "file", key, ends, slice_of("chain")));
	assert_true(shelf_add_names(shelf, slice_of(names)));
}

static int
fill(void **state)
{
	(void)state;
	shelf = shelf_new();
	put(1, "RSA-2048", 100, "mail.test");
	put(2, "EC-P-256", 100, "mail.test other.test");
	put(3, "EC-P-256", 100, "*.wild.test wild.test");
	put(4, "RSA-2048", 100, "exact.wild.test");
	put(5, "RSA-4096", 200, "twice.test");
	put(6, "RSA-2048", 300, "twice.test");
	put(7, "RSA-2048", 150, "twice.test twice.test");
	put(8, "RSA-2048", 100, "");
	return shelf_finish(shelf) ? 0 : -1;
}

static int
empty(void **state)
{
	(void)state;
	shelf_free(shelf);
	return 0;
}

static void
expect(const char *name, uint64_t rsa, uint64_t ec)
{
	struct shelf_choice c = shelf_find(shelf, name);
	assert_int_equal(c.of[SHELF_RSA] != NULL ? c.of[SHELF_RSA]->id : 0, rsa);
	assert_int_equal(c.of[SHELF_EC] != NULL ? c.of[SHELF_EC]->id : 0, ec);
}

static void
test_names(void **state)
{
	(void)state;
	expect("mail.test", 1, 2);
	expect("MAIL.Test", 1, 2);
	expect("other.test", 0, 2);
	expect("wild.test", 0, 3);
	expect("any.wild.test", 0, 3);
	expect("exact.wild.test", 4, 0);
}

static void
test_the_longest_of_a_kind(void **state)
{
	(void)state;
	expect("twice.test", 6, 0);
}

/* The first, and of the other kind the one that bears the first's first name. */
static void
test_all_others_get_the_default(void **state)
{
	(void)state;
	static const char *const names[] = {NULL, "", "unknown.test", "a.b.wild.test", ".wild.test", "*", ".", "..", "test",
	    "mail.test.", "xmail.test", "\xff\xfe.wild\x01test"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		expect(names[i], 1, 2);
	char longest[300];
	for (size_t i = 0; i < sizeof longest; i++)
		longest[i] = 'a';
	longest[299] = '\0';
	expect(longest, 1, 2);
}

static void
test_an_empty_shelf_is_none(void **state)
{
	(void)state;
	struct shelf *none = shelf_new();
	assert_false(shelf_add_names(none, slice_of("x.test")));
	assert_false(shelf_add_response(none, 1, slice_of("x")));
	assert_false(shelf_finish(none));
	shelf_free(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_the_longest_of_a_kind),
	    cmocka_unit_test(test_all_others_get_the_default),
	    cmocka_unit_test(test_an_empty_shelf_is_none),
	};
	return cmocka_run_group_tests(tests, fill, empty);
}
