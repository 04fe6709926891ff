/* lib/store/order: who has UIDs stands by them, who has none by arrival, in whatever order a directory gave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/store/assign.h"

static const struct {
	uint32_t    uid;
	const char *name;
} wanted[] = {
	{1, "9.last"}, {2, "3.M5"}, {4000000000u, "1.first"}, {0, "no-number"}, {0, "7.M000002P9.h,S=1:2,S"}, {0, "7.M000010P1.h"},
	{0, "7.M000010P2.h:2,"}, {0, "7.M000010P2.i"}, {0, "8"}, {0, "10.a"}, {0, "4294967297.M1"}, {0, "9223372036854775807.x"},
};

enum { COUNT = sizeof wanted / sizeof *wanted };

static void
add(struct folder *f, size_t number)
{
	struct message *m = &f->messages[f->count++];
	*m = (struct message){.uid = wanted[number].uid, .name = (char *)wanted[number].name, .inode = number + 1};
	m->base_len = (uint8_t)strcspn(wanted[number].name, ":");
}

static void
check(const struct folder *f, size_t known)
{
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(f->messages[known + i].inode, i + 1);
}

/* Each step with which all are gone through begins at each of them; those that are known stay before. */
static void
test_any_order(void **state)
{
	struct message messages[COUNT + 1];
	struct folder f = {.messages = messages};
	(void)state;
	assert_true(scan_prepare(&f));
	for (size_t step = 1; step < COUNT; step++) {
		for (size_t start = 0; start < COUNT; start++) {
			if (step % 2 == 0 || step % 3 == 0)
				continue; /* of 12 */
			messages[0] = (struct message){.uid = 5000, .name = (char *)"99.known", .base_len = 8, .inode = 99};
			f.count = 1;
			for (size_t i = 0; i < COUNT; i++)
				add(&f, (start + i * step) % COUNT);
			assert_true(order_from(&f, 1));
			check(&f, 1);
			assert_int_equal(f.messages[0].inode, 99);
		}
	}
	scan_free(&f);
}

static void
test_backwards_and_many(void **state)
{
	enum { MANY = 1000 };
	struct folder f = {.messages = calloc(MANY, sizeof *f.messages), .count = MANY};
	(void)state;
	assert_non_null(f.messages);
	assert_true(scan_prepare(&f));
	for (size_t i = 0; i < MANY; i++)
		f.messages[i].uid = (uint32_t)(i * 7919 % MANY + 1);
	assert_true(order_from(&f, 0));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(f.messages[i].uid, i + 1);
	scan_free(&f);
	free(f.messages);
}

static void
test_none_and_one(void **state)
{
	struct message one = {.uid = 3};
	struct folder f = {.messages = &one};
	(void)state;
	assert_true(order_from(&f, 0));
	f.count = 1;
	assert_true(order_from(&f, 0) && order_from(&f, 1));
	assert_int_equal(one.uid, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_order),
	    cmocka_unit_test(test_backwards_and_many),
	    cmocka_unit_test(test_none_and_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
