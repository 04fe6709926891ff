/* lib/mail/punycode, idna: RFC 3492 section 7.1, RFC 5890, RFC 5891. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/idna.h"
#include "lib/mail/punycode.h"
#include "lib/mail/utf8.h"

static struct str out;

static int
forget(void **state)
{
	(void)state;
	str_free(&out);
	out = STR_MOST(1024);
	return 0;
}

static size_t
characters_of(const char *text, unsigned *characters)
{
	size_t count = 0, len;
	for (struct slice rest = slice_of(text); (len = utf8_character(rest, &characters[count])) > 0; count++)
		rest = slice_from(rest, len);
	return count;
}

/* All samples of RFC 3492 section 7.1; its Russian one without the case annotation of appendix A. */
static const struct {
	const char *text, *encoded;
} samples[] = {
    {"ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"},
    {"他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"},
    {"他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb"},
    {"Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"},
    {"למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"},
    {"यहलोगहिन्दीक्योंनहींबोलसकतेहैं", "i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd"},
    {"なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"},
    {"세계의모든사람들이한국어를이해한다면얼마나좋을까", "989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea98c"},
    {"почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"},
    {"PorquénopuedensimplementehablarenEspañol", "PorqunopuedensimplementehablarenEspaol-fmd56a"},
    {"TạisaohọkhôngthểchỉnóitiếngViệt", "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g"},
    {"3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"},
    {"安室奈美恵-with-SUPER-MONKEYS", "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n"},
    {"Hello-Another-Way-それぞれの場所", "Hello-Another-Way--fc4qua05auwb3674vfr0b"},
    {"ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v"},
    {"MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"},
    {"パフィーdeルンバ", "de-jg4avhby1noc0d"},
    {"そのスピードで", "d9juau41awczczp"},
    {"-> $1.00 <-", "-> $1.00 <--"},
};

static void
the_samples_of_rfc_3492_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		unsigned characters[128], decoded[PUNYCODE_CHARACTERS_MOST];
		size_t count = characters_of(samples[i].text, characters), there;
		str_clear(&out);
		assert_true(punycode_encode(characters, count, &out));
		assert_string_equal(str_text(&out), samples[i].encoded);
		assert_true(punycode_decode(slice_of(samples[i].encoded), decoded, &there));
		assert_int_equal(there, count);
		assert_memory_equal(decoded, characters, count * sizeof *decoded);
	}
}

static void
what_is_no_punycode_is_refused(void **state)
{
	(void)state;
	/* Digits that are none, numbers cut short, beyond the last character, a surrogate, overflow, ASCII hidden in digits cannot be. */
	static const char *const wrong[] = {"-", "-a", "a-b!", "b\xc3\xbc-kva", "bcher-kv", "99999999", "99999999999999999999", "a-99999999999999",
	    "0r6e", "zzzzzzzzzzzzzzzzzzzzzzzz"};
	unsigned characters[PUNYCODE_CHARACTERS_MOST];
	size_t count;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (punycode_decode(slice_of(wrong[i]), characters, &count))
			for (size_t k = 0; k < count; k++)
				assert_true(utf8_is_character(characters[k]));
	assert_false(punycode_decode(slice_of("-a"), characters, &count));
	assert_false(punycode_decode(slice_of("bcher-kv"), characters, &count));
	assert_false(punycode_decode(slice_of("99999999"), characters, &count));
	assert_false(punycode_decode(slice_of("a-b!"), characters, &count));
	assert_false(punycode_decode(slice_of("b\xc3\xbc-kva"), characters, &count));
}

static const char *
ascii(const char *domain)
{
	str_clear(&out);
	return idna_to_ascii(slice_of(domain), &out) ? str_text(&out) : NULL;
}

static const char *
unicode(const char *domain)
{
	str_clear(&out);
	return idna_to_unicode(slice_of(domain), &out) ? str_text(&out) : NULL;
}

static void
a_domain_becomes_its_a_labels(void **state)
{
	(void)state;
	assert_string_equal(ascii("bücher.test"), "xn--bcher-kva.test");
	assert_string_equal(ascii("BÜCHER.Test"), "xn--bcher-kva.test");
	assert_string_equal(ascii("XN--BCHER-KVA.TEST."), "xn--bcher-kva.test.");
	assert_string_equal(ascii("mail.ПРИМЕР.испытание"), "mail.xn--e1afmkfd.xn--80akhbyknj4f");
	assert_string_equal(ascii("ΠΑΡΆΔΕΙΓΜΑ.δοκιμή"), "xn--hxajbheg2az3al.xn--jxalpdlp");
	assert_string_equal(ascii("例え.テスト"), "xn--r8jz45g.xn--zckzah");
	assert_string_equal(ascii("straße.test"), "xn--strae-oqa.test");
	assert_string_equal(ascii("STRAẞE.test"), "xn--strae-oqa.test");
	assert_string_equal(ascii("_25._tcp.bücher.test"), "_25._tcp.xn--bcher-kva.test");
	assert_string_equal(ascii("Example.TEST"), "example.test");
}

static void
a_labels_become_what_people_write(void **state)
{
	(void)state;
	assert_string_equal(unicode("xn--bcher-kva.test"), "bücher.test");
	assert_string_equal(unicode("XN--bcher-KVA.Test."), "bücher.test.");
	assert_string_equal(unicode("BÜCHER.test"), "bücher.test");
	/* No A-labels: nothing encoded, a capital, what is not Punycode, ASCII alone. */
	assert_string_equal(unicode("xn--.test"), "xn--.test");
	assert_string_equal(unicode("xn--bcher-vda.test"), "xn--bcher-vda.test");
	assert_string_equal(unicode("xn--99999999.test"), "xn--99999999.test");
	assert_string_equal(unicode("xn--abc-.test"), "xn--abc-.test");
}

static void
what_cannot_be_a_name_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", ".", "a..b", ".ü", "ü..", "b\xfc" "cher.test", "\xc0\xaf.test", "ü\xed\xa0\x80.test", "ü b.test",
	    "-ü.test", "ü-.test", "ab--ü.test", "xn--ü.test", "ü。test", "ü\xc2\x85.test", "ü\x01.test", "ü@x.test", "ü\xe2\x80\x8b.test",
	    "üaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		str_clear(&out);
		str_append_text(&out, "before");
		assert_false(idna_to_ascii(slice_of(wrong[i]), &out));
		assert_string_equal(str_text(&out), "before");
		assert_false(idna_to_unicode(slice_of(wrong[i]), &out));
		assert_string_equal(str_text(&out), "before");
	}
}

static void
a_label_is_as_long_as_dns_has_it(void **state)
{
	(void)state;
	/* 30 characters of 3 bytes each: 90 bytes of UTF-8, but no more than 63 of Punycode. */
	char domain[128] = "";
	for (int i = 0; i < 30; i++)
		strcat(domain, "中");
	strcat(domain, ".test");
	assert_non_null(ascii(domain));
	assert_true(address_is_domain(slice_of(domain), ADDRESS_UTF8));
	/* (H) of the samples is 68 long. */
	assert_null(ascii(samples[7].text));
	assert_false(address_is_domain(slice_of(samples[7].text), ADDRESS_UTF8));
}

static void
a_name_is_at_most_255_octets(void **state)
{
	(void)state;
	struct str name = STR_MOST(1024);
	for (int i = 0; i < 16; i++)
		str_append_text(&name, "bücherbücher.");
	assert_null(ascii(str_text(&name)));
	str_truncate(&name, 8 * strlen("bücherbücher."));
	assert_non_null(ascii(str_text(&name)));
	str_free(&name);
}

static void
small_letters(void **state)
{
	(void)state;
	static const struct {
		unsigned capital, small;
	} pairs[] = {{'A', 'a'}, {0xdc, 0xfc}, {0xd7, 0xd7}, {0x100, 0x101}, {0x101, 0x101}, {0x178, 0xff}, {0x1e9e, 0xdf}, {0x391, 0x3b1},
	    {0x410, 0x430}, {0x42f, 0x44f}, {0x531, 0x561}, {0x10a0, 0x2d00}, {0x1c90, 0x1c90}, {0x13a0, 0x13a0}, {0xff21, 0xff41}, {0x1e921, 0x1e943},
	    {0x130, 0x130}, {0x4e2d, 0x4e2d}, {0x10ffff, 0x10ffff}};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_int_equal(idna_lower(pairs[i].capital), pairs[i].small);
	for (unsigned c = 0; c <= UTF8_CHARACTER_MOST; c++)
		if (idna_lower(idna_lower(c)) != idna_lower(c))
			fail_msg("%x becomes a letter that has a small one itself", c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_samples_of_rfc_3492_both_ways, forget),
	    cmocka_unit_test_setup(what_is_no_punycode_is_refused, forget),
	    cmocka_unit_test_setup(a_domain_becomes_its_a_labels, forget),
	    cmocka_unit_test_setup(a_labels_become_what_people_write, forget),
	    cmocka_unit_test_setup(what_cannot_be_a_name_is_refused, forget),
	    cmocka_unit_test_setup(a_label_is_as_long_as_dns_has_it, forget),
	    cmocka_unit_test_setup(a_name_is_at_most_255_octets, forget),
	    cmocka_unit_test_setup(small_letters, forget),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	str_free(&out);
	return failed;
}
