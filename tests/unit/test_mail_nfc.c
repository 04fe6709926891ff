/* Unicode's normal form C: every row of its tables, and the rules of UAX 15. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/mail/nfc.h"
#include "lib/mail/nfc_rows.h"
#include "lib/mail/utf8.h"

static bool
is_composed(uint32_t a, uint32_t b)
{
	struct str text = STR_MOST(8);
	assert_true(utf8_append(&text, a) && (b == 0 || utf8_append(&text, b)));
	bool is = nfc_is(str_slice(&text));
	str_free(&text);
	return is;
}

static void
test_rows(void **state)
{
	(void)state;
	uint32_t first, second, composed = 0, excluded = 0;
	for (uint32_t c = 1; c <= UTF8_CHARACTER_MOST; c++) {
		if (!utf8_is_character(c))
			continue;
		excluded += nfc_excluded(c);
		if (is_composed(c, 0) == nfc_excluded(c))
			fail_msg("U+%04X", c);
		if (!nfc_parts(c, &first, &second))
			continue;
		composed++;
		assert_int_equal(nfc_composite(first, second), c);
		assert_false(is_composed(first, second));
	}
	assert_int_equal(composed, 941);
	assert_true(excluded > 1000);
}

static void
test_texts(void **state)
{
	(void)state;
	static const char *const in[] = {"", "plain", "\u00fc", "x\u0301", "\ud55c\uae00", "\u1ea5\u0302", "\u0915\u093e", "\u0301"};
	static const char *const out[] = {"u\u0308", "\u212b", "\u1112\u1161\u11ab", "\uac00\u11a8", "a\u0301\u0323", "x\u0301\u0323", "\u1ea1\u0302",
	    "\u00e2\u0323", "a\u0323\u0302x", "\xff", "a\xc3"};
	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		if (!nfc_is(slice_of(in[i])))
			fail_msg("in %zu", i);
	for (size_t i = 0; i < sizeof out / sizeof *out; i++)
		if (nfc_is(slice_of(out[i])))
			fail_msg("out %zu", i);
}

static void
test_most(void **state)
{
	(void)state;
	struct str text = STR_MOST(NFC_MOST + 1);
	for (size_t i = 0; i < NFC_MOST; i++)
		str_append_byte(&text, 'a');
	assert_true(nfc_is(str_slice(&text)));
	str_append_byte(&text, 'a');
	assert_false(nfc_is(str_slice(&text)));
	str_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_texts), cmocka_unit_test(test_most)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
