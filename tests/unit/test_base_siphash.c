/* lib/base/siphash.h: the vectors of its authors (key 00 01 .. 0f, input 00 01 ..). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/siphash.h"

static const char input[] = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
static const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

static void
it_agrees_with_the_published_vectors(void **state)
{
	(void)state;
	assert_true(siphash(&key, slice_make(input, 0)) == 0x726fdb47dd0e0e31u);
	assert_true(siphash(&key, slice_make(input, 8)) == 0x93f5f5799a932462u);
	assert_true(siphash(&key, slice_make(input, 15)) == 0xa129ca6149be45e5u);
}

static void
each_key_is_another(void **state)
{
	(void)state;
	struct siphash_key a = siphash_key_new(), b = siphash_key_new();
	assert_false(siphash(&a, slice_of("ann@example.org")) == siphash(&b, slice_of("ann@example.org")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_agrees_with_the_published_vectors),
	    cmocka_unit_test(each_key_is_another),
	};
	return cmocka_run_group_tests_name("base siphash", tests, NULL, NULL);
}
