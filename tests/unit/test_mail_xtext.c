/* xtext (RFC 3461 section 4) and utf-8-addr-xtext (RFC 6533 section 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mail/xtext.h"

static void
test_xtext(void **state)
{
	static const char *const right[] = {"", "a@b.test", "+2B", "a+20b+3Dc", "+00", "\\~!"};
	static const char *const wrong[] = {"+", "+2", "+2b", "+G0", "a=b", "a b", "\x7f", "\xc3\xbc"};
	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		assert_true(xtext_is(slice_of(right[i])));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(xtext_is(slice_of(wrong[i])));
}

static void
test_addresses_in_utf8(void **state)
{
	static const char *const right[] = {"a@b.test", "gr\\x{FC}n@b.test", "\\x{10FFFF}", "\\x{20}\\x{2B}\\x{3D}\\x{5C}\\x{7F}\\x{01}", "\\x{fc}"};
	static const char *const wrong[] = {"", "a+2Bb", "a=b", "a b", "\\", "\\x", "\\x{", "\\x{}", "\\x{FC", "\\x{1}", "\\x{0FC}", "\\x{0000FC}", "\\x{41}",
	    "\\x{0}", "\\x{D800}", "\\x{DFFF}", "\\x{110000}", "\\x{1234567}", "\\u{FC}", "\x7f"};
	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		assert_true(xtext_is_utf8_address(slice_of(right[i]), false));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(xtext_is_utf8_address(slice_of(wrong[i]), true));
	assert_true(xtext_is_utf8_address(slice_of("gr\xc3\xbcn"), true));
	assert_false(xtext_is_utf8_address(slice_of("gr\xc3\xbcn"), false));
	assert_false(xtext_is_utf8_address(slice_of("gr\xc3n"), true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xtext),
		cmocka_unit_test(test_addresses_in_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
