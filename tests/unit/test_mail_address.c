/* lib/mail/address: paths and addresses of the envelope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/mail/address.h"

static struct address a;
static struct slice   rest;

static enum address_result
path(const char *text, unsigned flags)
{
	return address_parse_path(slice_of(text), flags, &a, &rest);
}

static enum address_result
bare(const char *text, unsigned flags)
{
	return address_parse(slice_of(text), flags, &a);
}

static void
a_path_is_taken_and_its_parameters_are_left(void **state)
{
	(void)state;
	assert_int_equal(path("<Joe.Doe@Example.ORG> SIZE=12", 0), ADDRESS_OK);
	assert_string_equal(a.local, "Joe.Doe");
	assert_string_equal(a.domain, "example.org");
	assert_string_equal(a.text, "Joe.Doe@example.org");
	assert_true(slice_is(rest, " SIZE=12"));
	assert_int_equal(path("<a@b>", 0), ADDRESS_OK);
	assert_int_equal(rest.len, 0);
	assert_int_equal(path("<a@b>SIZE=12", 0), ADDRESS_WRONG);
	assert_int_equal(rest.len, 0);
	assert_int_equal(a.text_len, 0);
}

static void
what_is_no_path_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "<", "<a", "<a@", "<a@b", "a@b>", "a@b", " <a@b>", "<a@b c>", "<a b@c>",
	    "<@b>", "<a@@b>", "<a@b@c>", "<a@b..c>", "<a@.b>", "<a@b.>", "<a@-b>", "<a@b->", "<.a@b>", "<a.@b>", "<a..b@c>",
	    "<\"a@b>", "<\"a\"b@c>", "<a\"b\"@c>", "<a(b)@c>", "<a,b@c>", "<a@b,c>", "<a@[1.2.3]>", "<a@[1.2.3.256]>",
	    "<a@[IPv6:1]>", "<a@[1.2.3.4>", "<a@1.2.3.4]>", "<a@[]>", "<a@[IPv6:::1", "<<a@b>>", "<>x", "<@a:>", "<@a b@c>",
	    "<@a,b@c>", "<@:b@c>", "<a@b\r\n>", "<a\t@b>", "<\"a\tb\"@c>", "<\"a\\\x7f\"@c>", "<a\x01@b>", "<a@b\x7f>", "<a\\b@c>"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (path(wrong[i], ADDRESS_UTF8) != ADDRESS_WRONG)
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(a.local_len + a.domain_len + a.text_len, 0);
	}
}

static void
null_sender_and_postmaster_only_where_allowed(void **state)
{
	(void)state;
	assert_int_equal(path("<>", 0), ADDRESS_WRONG);
	assert_int_equal(path("<> BODY=8BITMIME", ADDRESS_NULL), ADDRESS_OK);
	assert_true(address_is_null(&a));
	assert_true(slice_is(rest, " BODY=8BITMIME"));
	assert_int_equal(path("<Postmaster>", 0), ADDRESS_WRONG);
	assert_int_equal(path("<Postmaster>", ADDRESS_POSTMASTER), ADDRESS_OK);
	assert_string_equal(a.text, "Postmaster");
	assert_string_equal(a.domain, "");
	assert_int_equal(path("<root>", ADDRESS_POSTMASTER), ADDRESS_WRONG);
	assert_int_equal(path("<root>", ADDRESS_NO_DOMAIN), ADDRESS_OK);
	assert_int_equal(path("<\"\">", ADDRESS_NO_DOMAIN), ADDRESS_WRONG);
	assert_int_equal(bare("", 0), ADDRESS_WRONG);
	assert_int_equal(bare("", ADDRESS_NULL), ADDRESS_OK);
	assert_int_equal(bare("", ADDRESS_NO_DOMAIN), ADDRESS_WRONG);
}

static void
source_routes_are_dropped(void **state)
{
	(void)state;
	assert_int_equal(path("<@one.example,@[1.2.3.4],@two:user@three.example> X", 0), ADDRESS_OK);
	assert_string_equal(a.text, "user@three.example");
	assert_true(slice_is(rest, " X"));
	assert_int_equal(bare("@one:user@two", 0), ADDRESS_WRONG);
}

static void
two_spellings_have_one_text(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
	    {"\"joe\"@x", "joe@x"}, {"\"j\\oe\"@x", "joe@x"}, {"\"a b\"@x", "\"a b\"@x"}, {"\"a\\ b\"@X", "\"a b\"@x"},
	    {"\"a@b\"@x", "\"a@b\"@x"}, {"\"a\\\"b\"@x", "\"a\\\"b\"@x"}, {"\"a\\\\b\"@x", "\"a\\\\b\"@x"},
	    {"\"\"@x", "\"\"@x"}, {"\"a.b\"@x", "a.b@x"}, {"\".a\"@x", "\".a\"@x"}, {"\"a..b\"@x", "\"a..b\"@x"},
	    {"\">\"@x", "\">\"@x"}, {"!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~@x"},
	    {"a@[192.0.2.1]", "a@[192.0.2.1]"}, {"a@[IPV6:2001:DB8:0:0::1]", "a@[ipv6:2001:db8::1]"},
	    {"a@[IPv6:::ffff:1.2.3.4]", "a@[ipv6:::ffff:1.2.3.4]"}, {"a@under_score.x", "a@under_score.x"}};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_int_equal(bare(pairs[i][0], 0), ADDRESS_OK);
		assert_string_equal(a.text, pairs[i][1]);
		assert_int_equal(a.text_len, strlen(a.text));
		assert_int_equal(bare(pairs[i][1], 0), ADDRESS_OK);
		assert_string_equal(a.text, pairs[i][1]);
	}
}

static void
a_path_as_many_clients_write_it(void **state)
{
	(void)state;
	assert_int_equal(path("  <a@b>", ADDRESS_LOOSE), ADDRESS_OK);
	assert_int_equal(path(" a@b SIZE=1", ADDRESS_LOOSE), ADDRESS_OK);
	assert_true(slice_is(rest, " SIZE=1"));
	assert_int_equal(path("<a..b.@c>", ADDRESS_LOOSE), ADDRESS_OK);
	assert_string_equal(a.text, "\"a..b.\"@c");
	assert_int_equal(path("", ADDRESS_LOOSE | ADDRESS_NULL), ADDRESS_WRONG);
	assert_int_equal(path("a@b>", ADDRESS_LOOSE), ADDRESS_WRONG);
}

static void
utf8_where_it_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(path("<j\xc3\xbcrgen@b\xc3\xbc.Example>", 0), ADDRESS_NOT_ASCII);
	assert_int_equal(a.text_len, 0);
	assert_int_equal(path("<j\xc3\xbcrgen@b\xc3\xbc.Example>", ADDRESS_UTF8), ADDRESS_OK);
	assert_string_equal(a.text, "j\xc3\xbcrgen@b\xc3\xbc.example");
	assert_int_equal(path("<\"\xe2\x82\xac x\"@b>", ADDRESS_UTF8), ADDRESS_OK);
	static const char *const wrong[] = {"<\xc3@b>", "<\xc0\xaf@b>", "<\xed\xa0\x80@b>", "<\xf4\x90\x80\x80@b>",
	    "<\xff@b>", "<a@\xe2\x82.b>", "<\xc2\x85@b>", "<a@b\xc2\x9f>", "<\"\xbc\"@b>"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(path(wrong[i], ADDRESS_UTF8), ADDRESS_WRONG);
}

static void
nul_is_never_accepted(void **state)
{
	(void)state;
	static const char text[] = "<a@b>", quoted[] = "<\"ab\"@c>";
	for (size_t at = 0; at < sizeof text; at++) {
		char with[16];
		memcpy(with, text, at);
		with[at] = '\0';
		memcpy(with + at + 1, text + at, sizeof text - 1 - at);
		assert_int_equal(address_parse_path(slice_make(with, sizeof text), ADDRESS_LOOSE, &a, &rest), ADDRESS_WRONG);
	}
	for (size_t at = 2; at < 5; at++) {
		char with[16];
		memcpy(with, quoted, sizeof quoted);
		with[at] = '\0';
		assert_int_equal(address_parse_path(slice_make(with, 8), 0, &a, &rest), ADDRESS_WRONG);
	}
}

/* "<" 'l' times local, "@", domain of `domain` bytes, ">" */
static enum address_result
sized(size_t local, size_t domain, unsigned flags)
{
	char text[2000];
	size_t len = 0;
	text[len++] = '<';
	for (size_t i = 0; i < local; i++)
		text[len++] = 'l';
	text[len++] = '@';
	for (size_t i = 0; i < domain; i++)
		text[len++] = i % 50 == 49 && i + 1 < domain ? '.' : 'd';
	text[len++] = '>';
	return address_parse_path(slice_make(text, len), flags, &a, &rest);
}

static void
limits_are_those_of_the_rfc_and_are_said(void **state)
{
	(void)state;
	assert_int_equal(sized(64, 100, 0), ADDRESS_OK);
	assert_int_equal(sized(65, 100, 0), ADDRESS_LOCAL_LONG);
	assert_int_equal(a.local_len, 65);
	assert_int_equal(a.text_len, 166);
	assert_int_equal(sized(64, 189, 0), ADDRESS_OK);
	assert_int_equal(a.text_len, 254);
	assert_int_equal(sized(64, 190, 0), ADDRESS_PATH_LONG);
	assert_int_equal(a.text_len, 0);
	assert_int_equal(sized(1, 252, 0), ADDRESS_OK);
	assert_int_equal(sized(1, 255, 0), ADDRESS_PATH_LONG);
	assert_int_equal(sized(1, 256, 0), ADDRESS_DOMAIN_LONG);
	assert_int_equal(sized(252, 1, 0), ADDRESS_LOCAL_LONG);
	assert_int_equal(sized(253, 1, 0), ADDRESS_PATH_LONG);
	assert_int_equal(sized(1000, 1, 0), ADDRESS_PATH_LONG);
	assert_string_equal(address_problem(ADDRESS_LOCAL_LONG), "the local part is longer than 64 octets");
}

static void
quotes_count_towards_the_limits(void **state)
{
	(void)state;
	char text[1000];
	for (size_t count = 1; count < 200; count++) {
		size_t len = 0;
		text[len++] = '"';
		for (size_t i = 0; i < count; i++) {
			text[len++] = '\\';
			text[len++] = '"';
		}
		memcpy(text + len, "\"@d", 3);
		enum address_result r = address_parse(slice_make(text, len + 3), 0, &a);
		size_t printed = 2 * count + 2;
		assert_int_equal(r, printed <= 64 ? ADDRESS_OK : printed + 2 <= 254 ? ADDRESS_LOCAL_LONG : ADDRESS_PATH_LONG);
		assert_true(a.text_len < sizeof a.text);
	}
}

static void
labels_are_bounded(void **state)
{
	(void)state;
	char domain[64];
	memset(domain, 'x', sizeof domain);
	assert_true(address_is_domain(slice_make(domain, 63), 0));
	assert_false(address_is_domain(slice_make(domain, 64), 0));
	assert_true(address_is_domain(slice_of("a.b-c.D9"), 0));
	assert_true(address_is_domain(slice_of("[127.0.0.1]"), 0));
	assert_false(address_is_domain(slice_of("b\xc3\xbc"), 0));
	assert_true(address_is_domain(slice_of("b\xc3\xbc"), ADDRESS_UTF8));
	static const char *const wrong[] = {"", ".", "a.", ".a", "a..b", "a b", "-a", "a-", "a@b", "[]", "[a]", "a\n", "[1.2.3.4]x"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(address_is_domain(slice_of(wrong[i]), ADDRESS_UTF8));
}

static void
a_text_is_cut_at_its_at(void **state)
{
	(void)state;
	static const char *const texts[][3] = {{"a@b", "a", "b"}, {"\"a@b\"@c", "\"a@b\"", "c"}, {"root", "root", ""},
	    {"\"a@b\"", "\"a@b\"", ""}, {"\"a\\\"@b\"@c", "\"a\\\"@b\"", "c"}, {"", "", ""}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct slice local, domain;
		address_split(slice_of(texts[i][0]), &local, &domain);
		assert_true(slice_is(local, texts[i][1]));
		assert_true(slice_is(domain, texts[i][2]));
	}
}

static void
extensions_are_cut_at_the_first_delimiter(void **state)
{
	(void)state;
	struct slice user, extension;
	assert_true(address_split_extension(slice_of("joe+a+b"), "+", &user, &extension));
	assert_true(slice_is(user, "joe"));
	assert_true(slice_is(extension, "a+b"));
	assert_true(address_split_extension(slice_of("joe-a+b"), "+-", &user, &extension));
	assert_true(slice_is(extension, "a+b"));
	assert_true(address_split_extension(slice_of("joe+"), "+", &user, &extension));
	assert_true(slice_is(extension, ""));
	assert_false(address_split_extension(slice_of("+joe"), "+", &user, &extension));
	assert_true(slice_is(user, "+joe"));
	assert_false(address_split_extension(slice_of("joe+a"), "", &user, &extension));
	assert_false(address_split_extension(slice_of("Mailer-Daemon"), "-", &user, &extension));
}

static void
what_is_printed_is_read_again(void **state)
{
	(void)state;
	struct str text = STR_MOST(600);
	for (int first = ' '; first < 0x7f; first++)
		for (int second = ' '; second < 0x7f; second++) {
			char local[2] = {(char)first, (char)second};
			str_clear(&text);
			assert_true(address_print(&text, slice_make(local, 2), slice_of("d.e")));
			assert_int_equal(address_parse(str_slice(&text), 0, &a), ADDRESS_OK);
			assert_memory_equal(a.local, local, 3 - 1);
			assert_string_equal(a.text, str_text(&text));
		}
	str_clear(&text);
	assert_true(address_print(&text, slice_of(""), slice_of("")));
	assert_string_equal(str_text(&text), "");
	assert_true(address_append_lower(&text, slice_of("ABC\xc3\x9c")));
	assert_string_equal(str_text(&text), "abc\xc3\x9c");
	str_free(&text);
	struct str small = STR_MOST(5);
	assert_false(address_print(&small, slice_of("abc"), slice_of("de")));
	assert_int_equal(small.len, 0);
	str_free(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_path_is_taken_and_its_parameters_are_left),
	    cmocka_unit_test(what_is_no_path_is_refused),
	    cmocka_unit_test(null_sender_and_postmaster_only_where_allowed),
	    cmocka_unit_test(source_routes_are_dropped),
	    cmocka_unit_test(two_spellings_have_one_text),
	    cmocka_unit_test(a_path_as_many_clients_write_it),
	    cmocka_unit_test(utf8_where_it_is_allowed),
	    cmocka_unit_test(nul_is_never_accepted),
	    cmocka_unit_test(limits_are_those_of_the_rfc_and_are_said),
	    cmocka_unit_test(quotes_count_towards_the_limits),
	    cmocka_unit_test(labels_are_bounded),
	    cmocka_unit_test(a_text_is_cut_at_its_at),
	    cmocka_unit_test(extensions_are_cut_at_the_first_delimiter),
	    cmocka_unit_test(what_is_printed_is_read_again),
	};
	return cmocka_run_group_tests_name("mail address", tests, NULL, NULL);
}
