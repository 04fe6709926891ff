/* lib/mail/list: address lists of a header, right, obsolete and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/list.h"

/* One line per mailbox: "name|route|local|domain", "name:", ";", or "?name" for a broken one. */
static const char *
listed(const char *value, size_t len)
{
	static struct str all = STR_MOST(10000);
	struct mailbox_list list;
	struct mailbox m;
	str_clear(&all);
	mailbox_list_begin(&list, slice_make(value, len));
	while (mailbox_list_next(&list, &m)) {
		if (all.len > 0)
			str_append_byte(&all, '\n');
		str_append_text(&all, m.kind == MAILBOX_BROKEN ? "?" : "");
		str_append_slice(&all, m.name);
		if (m.kind == MAILBOX_GROUP_START)
			str_append_byte(&all, ':');
		if (m.kind == MAILBOX_GROUP_END)
			str_append_byte(&all, ';');
		if (m.kind != MAILBOX_ADDRESS)
			continue;
		struct slice parts[] = {m.route, m.local, m.domain};
		for (size_t i = 0; i < 3; i++) {
			str_append_byte(&all, '|');
			str_append_slice(&all, parts[i]);
		}
	}
	assert_false(list.failed);
	mailbox_list_end(&list);
	return str_text(&all);
}

#define assert_list(value, expected) assert_string_equal(listed((value), strlen(value)), (expected))

static void
mailboxes_with_and_without_names(void **state)
{
	(void)state;
	assert_list("", "");
	assert_list(" , ,", "");
	assert_list("joe@example.org", "||joe|example.org");
	assert_list(" Joe Doe <joe@Example.org> ", "Joe Doe||joe|Example.org");
	assert_list("a@b, c@d,e@f", "||a|b\n||c|d\n||e|f");
	assert_list("\"Doe, Joe \\\"x\\\"\" <a@b>", "Doe, Joe \"x\"||a|b");
	assert_list("\"Joe\" Q. \"Doe\" <a@b>", "Joe Q. Doe||a|b");
	assert_list("=?utf-8?q?J=C3=BCrgen?= <a@b>", "=?utf-8?q?J=C3=BCrgen?=||a|b");
	assert_list("J\xc3\xbcrgen <j\xc3\xbc@b>", "J\xc3\xbcrgen||j\xc3\xbc|b");
	assert_list("\"joe doe\"@b", "||joe doe|b");
	assert_list("a@[192.0.2.1]", "||a|[192.0.2.1]");
}

static void
folds_and_comments_are_no_part_of_it(void **state)
{
	(void)state;
	assert_list("Joe\r\n Doe\r\n\t<joe\r\n @b>,\r\n c@d", "Joe Doe||joe|b\n||c|d");
	assert_list("\"Joe\r\n Doe\" <a@b>", "Joe Doe||a|b");
	assert_list("joe (the (inner) one)@(x) b (Joe \\) Doe)", "Joe ) Doe||joe|b");
	assert_list("Joe (comment) Doe <a@b> (after)", "Joe Doe||a|b");
	assert_list("(only a comment)", "");
	assert_list("a@b (Joe Doe)", "Joe Doe||a|b");
	assert_list("joe . doe @ exam . ple", "||joe.doe|exam.ple");
}

static void
groups_begin_and_end(void **state)
{
	(void)state;
	assert_list("undisclosed-recipients:;", "undisclosed-recipients:\n;");
	assert_list("A Group: a@b, Joe <c@d>; e@f", "A Group:\n||a|b\nJoe||c|d\n;\n||e|f");
	assert_list("Open: a@b", "Open:\n||a|b\n;");
	assert_list("One:, ,;Two:x@y;", "One:\n;\nTwo:\n||x|y\n;");
	assert_list(";;a@b;", "||a|b");
}

static void
routes_are_kept_apart(void **state)
{
	(void)state;
	assert_list("Joe <@one,@two:joe@three>", "Joe|@one,@two|joe|three");
	assert_list("<@one , @two : joe@three>", "|@one,@two|joe|three");
	assert_list("<@one joe@three>, a@b", "?\n||a|b");
}

static void
missing_domains_are_seen(void **state)
{
	(void)state;
	assert_list("root, Joe <joe>", "||root|\nJoe||joe|");
	assert_list("<joe@>, a@", "?\n?a@");
}

static void
one_broken_mailbox_hurts_no_other(void **state)
{
	(void)state;
	assert_list("Joe Doe, a@b", "?Joe Doe\n||a|b");
	assert_list("a b@c, d@e", "?a b@c\n||d|e");
	assert_list("a@b c@d, e@f", "?a@b c@d\n||e|f");
	assert_list("a@b@c, d@e", "?a@b@c\n||d|e");
	assert_list("Joe <>, d@e", "?Joe\n||d|e");
	assert_list("a@b> x, d@e", "?a@b\n||d|e");
	assert_list("Joe <a@b> junk \"with, comma\", d@e", "Joe||a|b\n||d|e");
	assert_list("Joe <a@b", "?Joe");
	assert_list("\"open <a@b>", "?open <a@b>");
	assert_list("(open a@b", "");
	assert_list("a@[open, b@c", "||a|[open, b@c");
	assert_list("x@y <a@b>", "x@y||a|b");
}

static void
nul_and_controls_do_not_come_through(void **state)
{
	(void)state;
	static const char text[] = "\"J\0o\x01" "e\r\n X\" <a\0b@c>, d@e\x7f(a\nb)";
	assert_string_equal(listed(text, sizeof text - 1), "?J o e X\nab||d|e");
}

static void
what_fits_once_fits_always(void **state)
{
	(void)state;
	/* The name of "a b c ..." has as many bytes as the text: the cap of the strings is never in the way. */
	assert_list("a b <c@d>", "a b||c|d");
	assert_list("a\tb(x)c", "?a b c");
	assert_list("a(x)b", "?a b");
	assert_list("a\"b\"", "?ab");
}

/* Milliseconds for a list of `count` times `piece`. */
static int64_t
time_of(const char *piece, size_t count)
{
	size_t len = strlen(piece);
	char *text = malloc(len * count);
	struct mailbox_list list;
	struct mailbox m;
	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	int64_t begun = clock_ms();
	mailbox_list_begin(&list, slice_make(text, len * count));
	while (mailbox_list_next(&list, &m))
		;
	mailbox_list_end(&list);
	free(text);
	return clock_ms() - begun;
}

static void
time_grows_with_the_length_only(void **state)
{
	(void)state;
	static const char *const pieces[] = {"(", "<", "\"", "a ", "a@b,", "a:", ";", "<@a,", ")", "a<", "[", "\\", "x:y;", "(a)", "."};
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		assert_true(time_of(pieces[i], 500000) < 5000); /* quadratic would be hours */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mailboxes_with_and_without_names),
	    cmocka_unit_test(folds_and_comments_are_no_part_of_it),
	    cmocka_unit_test(groups_begin_and_end),
	    cmocka_unit_test(routes_are_kept_apart),
	    cmocka_unit_test(missing_domains_are_seen),
	    cmocka_unit_test(one_broken_mailbox_hurts_no_other),
	    cmocka_unit_test(nul_and_controls_do_not_come_through),
	    cmocka_unit_test(what_fits_once_fits_always),
	    cmocka_unit_test(time_grows_with_the_length_only),
	};
	return cmocka_run_group_tests_name("mail list", tests, NULL, NULL);
}
