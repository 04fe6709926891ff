/* lib/mail/charset, casemap, decoder, words, subject: RFC 2045, 2047, 5051, 5256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/mail/decoder.h"
#include "lib/mail/subject.h"
#include "lib/mail/words.h"

static struct str out;

static int
forget(void **state)
{
	(void)state;
	str_free(&out);
	out = STR_MOST(4096);
	return 0;
}

static const char *
fold(const char *text)
{
	str_clear(&out);
	assert_true(casemap_append(&out, slice_of(text)));
	return str_text(&out);
}

static void
test_casemap(void **state)
{
	(void)state;
	assert_string_equal(fold("aBc"), "ABC");
	assert_string_equal(fold("\u00e9"), "E\u0301");
	assert_string_equal(fold("\u1e69"), "S\u0323\u0307");
	assert_string_equal(fold("\u03c2\u03c3"), "\u03a3\u03a3");
	assert_string_equal(fold("\u0439"), "\u0418\u0306");
	assert_string_equal(fold("\uff41\ufb01"), "AFI");
	assert_string_equal(fold("\ud55c"), "\u1112\u1161\u11ab");
	assert_string_equal(fold("\xff\x80z"), "\xff\x80Z");
	assert_int_equal(casemap_whole(slice_of("ab\xe2\x82")), 2);
	assert_int_equal(casemap_whole(slice_of("ab\xe2\x82\xac")), 5);
	assert_int_equal(casemap_whole(slice_of("\x80\x80\x80\x80")), 4);
}

static const char *
read_in(const char *charset, const char *bytes, size_t step)
{
	struct charset_reader r;
	const struct charset *c = charset_find(slice_of(charset));
	assert_non_null(c);
	str_clear(&out);
	assert_true(charset_begin(&r, c));
	for (struct slice rest = slice_of(bytes); rest.len > 0; rest = slice_from(rest, step))
		assert_true(charset_feed(&r, slice_first(rest, step), &out));
	charset_end(&r, &out);
	return str_text(&out);
}

/* Whole, and byte by byte. */
static void
test_charsets(void **state)
{
	static const struct {
		const char *charset, *bytes, *text;
	} cases[] = {
		{"GB18030", "\xc4\xe3\xba\xc3", "\u4f60\u597d"}, {"gb18030", "a\x90\x30\x81\x30z", "a\U00010000z"},
		{"gb18030", "\x95\x32\x82\x36", "\U00020000"}, {"gb18030", "\xe3\x32\x9a\x35", "\U0010ffff"}, {"GB_2312-80", "\xb0\xa1", "\u554a"},
		{"BIG5", "\xa7\x41\xa6\x6e", "\u4f60\u597d"}, {"x-sjis", "\x93\xfa\x96\x7b", "\u65e5\u672c"},
		{"iso-2022-jp", "\x1b$BF|K\\\x1b(B.", "\u65e5\u672c."}, {"euc-kr", "\xc7\xd1", "\ud55c"}, {"ks_c_5601-1987", "\x81\x41", "\uac02"},
		{"koi8-r", "\xf0", "\u041f"}, {"cp1252", "\x80", "\u20ac"}, {"latin1", "\xfc", "\u00fc"}, {"utf-8", "\xff", "\xff"},
		{"windows-1251", "\xcf", "\u041f"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t step = 1; step < 9; step++)
			assert_string_equal(read_in(cases[i].charset, cases[i].bytes, step), cases[i].text);
	assert_null(charset_find(slice_of("x-none")));
	assert_null(charset_find(slice_of("")));
	/* Broken bytes do not hide what is behind them. */
	assert_non_null(strstr(read_in("gb18030", "\xff\xff good", 3), "good"));
	assert_non_null(strstr(read_in("euc-kr", "\xff\xff good", 3), "good"));
}

static const char *
decoded(const char *encoding, const char *text)
{
	struct decoder d;
	str_clear(&out);
	decoder_begin(&d, slice_of(encoding));
	for (struct slice rest = slice_of(text); rest.len > 0; rest = slice_from(rest, 1))
		assert_true(decoder_feed(&d, slice_first(rest, 1), &out));
	return str_text(&out);
}

static void
test_decoder(void **state)
{
	(void)state;
	assert_string_equal(decoded("BASE64", "YWJj\r\nZA=="), "abcd");
	assert_string_equal(decoded("base64", "YQ==YmM="), "abc");
	assert_string_equal(decoded("base64", "Y!W-J j"), "abc");
	assert_string_equal(decoded("Quoted-Printable", "a=3D=c3=BC b=\r\nc= \t\nd"), "a=\xc3\xbc bcd");
	assert_string_equal(decoded("quoted-printable", "a=b 1=4x =zz"), "a=b 1=4x =zz");
	assert_string_equal(decoded("7bit", "a=3D"), "a=3D");
}

static const char *
words(const char *value)
{
	str_clear(&out);
	assert_true(words_decode(&out, slice_of(value)));
	return str_text(&out);
}

/* RFC 2047 section 8 and what senders do. */
static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(words(" (=?ISO-8859-1?Q?a?= b)"), "(a b)");
	assert_string_equal(words("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)"), "(ab)");
	assert_string_equal(words("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)"), "(ab)");
	assert_string_equal(words("(=?ISO-8859-1?Q?a_b?=)"), "(a b)");
	assert_string_equal(words("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
	assert_string_equal(words("=?us-ascii*en?q?a=5Fb_c?="), "a_b c");
	assert_string_equal(words("=?utf-8?B?ww==?= =?utf-8?B?vA==?="), "\xc3\xbc");
	assert_string_equal(words("x=?utf-8?Q?y?=z a=?b"), "xyz a=?b");
	assert_string_equal(words("=?x-none?Q?a?= =?utf-8?X?a?= =?utf-8?Q?a"), "=?x-none?Q?a?= =?utf-8?X?a?= =?utf-8?Q?a");
}

static void
test_base_subjects(void **state)
{
	static const struct {
		const char *text, *base;
		bool        reply;
	} cases[] = {
		{"x", "x", false}, {"Re: x", "x", true}, {"[l] x", "x", false}, {"[l] Re: [l] x (fwd)", "x", true}, {"[fwd: Re: x]", "x", true},
		{"Re[2]: x", "x", true}, {"fwd : fw:x", "x", true}, {"[only]", "[only]", false}, {"", "", false}, {"Re:", "", true},
		{"[a] [b]", "[b]", false}, {"Rex: a", "Rex: a", false}, {"(fwd)", "", true}, {"a (fwd) b", "a (fwd) b", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool reply;
		str_clear(&out);
		assert_true(str_append_slice(&out, subject_base(slice_of(cases[i].text), &reply)));
		assert_string_equal(str_text(&out), cases[i].base);
		assert_int_equal(reply, cases[i].reply);
	}
	str_clear(&out);
	assert_true(subject_text(&out, slice_of(" a\t\tb\r\n  =?utf-8?Q?c__d?=")));
	assert_string_equal(str_text(&out), "a b c d");
}

int
main(void)
{
	charset_open();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_casemap, forget, forget),
		cmocka_unit_test_setup_teardown(test_charsets, forget, forget),
		cmocka_unit_test_setup_teardown(test_decoder, forget, forget),
		cmocka_unit_test_setup_teardown(test_words, forget, forget),
		cmocka_unit_test_setup_teardown(test_base_subjects, forget, forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
