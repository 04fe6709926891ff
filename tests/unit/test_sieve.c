/* sieve/: what scripts mean, by the examples and rules of RFC 5228, 3894, 5230, 5232, 5233, 5429. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "sieve/check.h"
#include "sieve/run.h"
#include "sieve/vacation.h"

static struct sieve_memory memory;

static const char header[] =
    "Return-Path: <coyote@desert.example.org>\r\n"
    "Received: from a\r\n"
    "From: Wile <coyote@desert.example.org>\r\n"
    "To: roadrunner@acme.example.com, \"Other, one\" <Other+Lists@Example.COM>\r\n"
    "Subject: I have a =?utf-8?q?pr=C3=A4sent?= for\r\n you\r\n"
    "X-Empty:\r\n"
    "X-Star: a*b?c\r\n"
    "Message-ID: <one@desert.example.org>\r\n"
    "\r\nbody\r\n";
static const char *given = header;

static bool
exists(void *context, struct slice folder)
{
	(void)context;
	return slice_is(folder, "Work");
}

static void
print_flags(struct str *all, const struct sieve_action *a)
{
	for (size_t i = 0; i < a->flags.count; i++)
		str_append_format(all, "%s%.*s", i == 0 ? " [" : " ", (int)a->flags.items[i].len, a->flags.items[i].data);
	str_append_text(all, a->flags.count > 0 ? "]" : "");
}

static void
print_actions(struct str *all, const struct sieve_run *r)
{
	static const char *const names[] = {"keep", "fileinto", "redirect", "reject", "vacation"};
	for (size_t i = 0; i < r->count; i++) {
		const struct sieve_action *a = &r->actions[i];
		str_append_format(all, "%s%s", i > 0 ? ", " : "", names[a->kind]);
		if (a->kind != SIEVE_KEEP && a->kind != SIEVE_VACATION)
			str_append_format(all, " %.*s", (int)a->text.len, a->text.data);
		if (a->create)
			str_append_text(all, " create");
		print_flags(all, a);
	}
}

static struct sieve_message message;

/* What a script wants done with the message, or "LINE: what is wrong". Valid until the next call. */
static const char *
outcome_of(const char *script, size_t len)
{
	static struct str all = STR_MOST(100000);
	static struct sieve_problem problem;
	struct sieve_script compiled;
	sieve_memory_free(&memory);
	str_clear(&all);
	problem = (struct sieve_problem){.line = 0};
	message = (struct sieve_message){.sender = slice_of("coyote@desert.example.org"), .recipient = slice_of("ROADRUNNER+fast@acme.example.com"),
	    .address = slice_of("roadrunner@acme.example.com"), .delimiters = "+", .size = 5000};
	assert_true(sieve_message_read(&message, slice_of(given), &memory));
	struct sieve_run r = {.message = &message, .memory = &memory, .problem = &problem, .budget = SIEVE_BUDGET, .redirects_most = 2, .exists = exists};
	if (sieve_compile(&compiled, slice_make(script, len), &memory, &problem) && sieve_run(&r, &compiled))
		print_actions(&all, &r);
	else
		str_append_format(&all, "%u: %s", problem.line, problem.text);
	return str_text(&all);
}

#define assert_does(script, expected) assert_string_equal(outcome_of((script), strlen(script)), (expected))
#define assert_wrong(script, number, words)                                                        \
	do {                                                                                       \
		const char *said = outcome_of((script), strlen(script));                           \
		if (strncmp(said, number ": ", strlen(number ": ")) != 0 || strstr(said, (words)) == NULL) \
			fail_msg("%s gives: %s", (script), said);                                  \
	} while (0)

/* Whether a test is true. */
static bool
is_true(const char *test)
{
	char script[4096];
	snprintf(script, sizeof script,
	    "require [\"envelope\",\"subaddress\",\"encoded-character\",\"imap4flags\",\"mailbox\"]; if %s { keep; } else { discard; }", test);
	const char *said = outcome_of(script, strlen(script));
	if (said[0] != '\0' && strcmp(said, "keep") != 0)
		fail_msg("%s: %s", test, said);
	return said[0] != '\0';
}

#define yes(test) assert_true(is_true(test))
#define no(test)  assert_false(is_true(test))

static void
words_and_comments(void **state)
{
	(void)state;
	assert_does("", "keep");
	assert_does("\xef\xbb\xbfkeep;", "keep");
	assert_does("# a comment\r\nKEEP /* another\n one */ ;", "keep");
	assert_does("if size :over 100K { discard; } elsif size :under 1M { redirect \"a@b.test\"; } else { keep; }", "redirect a@b.test");
	assert_does("require \"reject\"; reject text: # why\r\none\r\n..two\r\n.\r\n;", "reject one\n.two\n");
	assert_does("require \"reject\"; reject \"a\\\"b\\\\c\\d\";", "reject a\"b\\cd");
	assert_wrong("keep", "1", "; or a block");
	assert_wrong("\n\nkeep \"", "3", "no end");
	assert_wrong("require \"reject\"; reject text:\nx\n", "1", "no end");
	assert_wrong("/* keep;", "1", "no end");
	assert_wrong("if size :over 10x { keep; }", "1", "must end in");
	assert_wrong("if size :over 99999999999999999999 { keep; }", "1", "too large");
	assert_wrong("keep; }", "1", "begin with a word");
	assert_wrong("if true { keep;", "1", "no end");
	assert_wrong("require [\"fileinto\"; keep;", "1", "comma or its ]");
	assert_wrong("require \"reject\"; reject \"\xff\";", "1", "UTF-8");
	assert_wrong("keep $;", "1", "does not belong");
}

static void
every_byte_and_every_cut_gives_a_script_or_an_error(void **state)
{
	(void)state;
	static const char script[] = "require [\"fileinto\"];\nif anyof(true, not header :is \"a\" [\"b\\\"\"]) { fileinto text:\nx\n.\n; } # e";
	char copy[sizeof script];
	for (size_t len = 0; len < sizeof script; len++)
		outcome_of(script, len);
	for (size_t at = 0; at < sizeof script - 1; at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			memcpy(copy, script, sizeof script);
			copy[at] = (char)byte;
			outcome_of(copy, sizeof script - 1);
		}
}

static void
what_is_required_and_where(void **state)
{
	(void)state;
	assert_wrong("fileinto \"x\";", "1", "require \"fileinto\"");
	assert_wrong("keep;\nrequire \"fileinto\";", "2", "before all other");
	assert_wrong("if true { require \"fileinto\"; }", "1", "before all other");
	assert_wrong("require \"Fileinto\";", "1", "not known");
	assert_wrong("if envelope \"from\" \"x\" { keep; }", "1", "require \"envelope\"");
	assert_wrong("if address :user \"from\" \"x\" { keep; }", "1", "require \"subaddress\"");
	assert_wrong("keep :flags \"x\";", "1", "require \"imap4flags\"");
	assert_wrong("redirect :copy \"a@b.test\";", "1", "require \"copy\"");
	assert_does("require \"comparator-i;octet\"; require [\"comparator-i;ascii-casemap\", \"fileinto\"]; keep;", "keep");
	assert_wrong("else { keep; }", "1", "behind if");
	assert_wrong("if true { keep; } keep; elsif true { keep; }", "1", "behind if");
	assert_wrong("if true, false { keep; }", "1", "a block");
	assert_wrong("if (true) { keep; }", "1", "one test");
	assert_wrong("if anyof true { keep; }", "1", "in parentheses");
	assert_wrong("if true;", "1", "needs a block");
	assert_wrong("keep { }", "1", "no block");
	assert_wrong("stop 5;", "1", "too many");
	assert_wrong("if header \"a\" { keep; }", "1", "too few");
	assert_wrong("if header :is :contains \"a\" \"b\" { keep; }", "1", "another one");
	assert_wrong("if header :over \"a\" \"b\" { keep; }", "1", "no :over");
	assert_wrong("if size 5 { keep; }", "1", ":over or :under");
	assert_wrong("if header :comparator \"i;ascii-numeric\" \"a\" \"b\" { keep; }", "1", "comparator");
	assert_wrong("redirect \"nobody\";", "1", "address");
	assert_wrong("redirect [\"a@b.test\"];", "1", "must be a string");
	assert_wrong("wrong;", "1", "no command");
	assert_wrong("if wrong { keep; }", "1", "no test");
}

static void
nesting_has_an_end(void **state)
{
	(void)state;
	char script[8192] = "if ";
	for (int i = 0; i < 20; i++)
		strcat(script, "not ");
	strcat(script, "true { keep; }");
	assert_does(script, "keep");
	script[0] = '\0';
	for (int i = 0; i < 15; i++)
		strcat(script, "if true {");
	strcat(script, "redirect \"a@b.test\";");
	for (int i = 0; i < 15; i++)
		strcat(script, "}");
	assert_does(script, "redirect a@b.test");
	strcpy(script, "if ");
	for (int i = 0; i < 1000; i++)
		strcat(script, "not ");
	strcat(script, "true { keep; }");
	assert_wrong(script, "1", "too deep");
}

static void
tests_of_the_header(void **state)
{
	(void)state;
	yes("header \"subject\" \"i have a pr\xc3\xa4sent for you\"");
	no("header :comparator \"i;octet\" \"subject\" \"i have a pr\xc3\xa4sent for you\"");
	yes("header :contains [\"x-none\", \"SUBJECT\"] [\"zzz\", \"PR\xc3\xa4SENT\"]");
	yes("header :is \"x-empty\" \"\"");
	yes("header :contains \"x-empty\" \"\"");
	no("header :contains \"x-none\" \"\"");
	no("header :is \"x-empty\" \" \"");
	yes("exists [\"from\", \"x-empty\"]");
	no("exists [\"from\", \"x-none\"]");
	yes("allof (true, not false, anyof (false, true))");
	no("allof (true, false)");
	no("anyof (false, not true)");
	yes("size :over 4999");
	no("size :over 5000");
	yes("size :under 5K");
	no("size :under 5000");
	yes("mailboxexists \"Work\"");
	no("mailboxexists [\"Work\", \"Play\"]");
}

static void
patterns(void **state)
{
	(void)state;
	yes("header :matches \"subject\" \"*pr?sent*\"");
	no("header :comparator \"i;octet\" :matches \"subject\" \"*pr?sent*\"");
	yes("header :comparator \"i;octet\" :matches \"subject\" \"*pr??sent*\"");
	yes("header :matches \"x-star\" \"a\\\\*b\\\\?c\"");
	yes("header :matches \"x-star\" \"a*c\"");
	no("header :matches \"x-star\" \"a\\\\*c\"");
	yes("header :matches \"x-empty\" \"*\"");
	no("header :matches \"x-empty\" \"?\"");
	yes("header :matches \"x-empty\" \"\"");
	yes("header :matches \"from\" \"*w*e*@*.example.*\"");
	no("header :matches \"from\" \"*@*.example.net>\"");
}

static void
tests_of_addresses(void **state)
{
	(void)state;
	yes("address \"from\" \"COYOTE@desert.example.org\"");
	yes("address :domain [\"from\", \"to\"] \"acme.example.com\"");
	yes("address :localpart \"from\" \"coyote\"");
	yes("address :contains :all \"to\" \"other\"");
	no("address :contains \"to\" \"one\"");
	yes("address :user \"to\" \"other\"");
	yes("address :detail \"to\" \"lists\"");
	no("address :detail :matches \"from\" \"*\"");
	yes("address :user \"from\" \"coyote\"");
	yes("envelope \"from\" \"coyote@desert.example.org\"");
	yes("envelope :localpart \"to\" \"roadrunner+fast\"");
	yes("envelope :detail \"TO\" \"fast\"");
	no("envelope :is \"from\" \"\"");
	assert_wrong("if address \"subject\" \"x\" { keep; }", "1", "no addresses");
	assert_wrong("require \"envelope\"; if envelope \"auth\" \"x\" { keep; }", "1", "of the envelope");
}

static void
encoded_characters(void **state)
{
	(void)state;
	yes("header :contains \"subject\" \"pr${unicode:E4}sent\"");
	yes("header :contains \"subject\" \"pr${hex:c3 A4}sent\"");
	yes("header :is \"x-star\" \"${hex: 61 2a\t62 }?c\"");
	no("header :contains \"subject\" \"pr${hex:zz}sent\"");
	assert_does("require \"reject\"; reject \"${hex:41}\";", "reject ${hex:41}");
	assert_does("require [\"reject\", \"encoded-character\"]; reject \"$${hex:41}${unicode:200000x}${he${hex:42}\";", "reject $A${unicode:200000x}${heB");
	assert_wrong("require [\"reject\", \"encoded-character\"]; reject \"${unicode:D800}\";", "1", "UTF-8");
	assert_wrong("require [\"reject\", \"encoded-character\"]; reject \"${unicode:110000}\";", "1", "UTF-8");
	assert_wrong("require [\"reject\", \"encoded-character\"]; reject \"${hex:00}\";", "1", "UTF-8");
}

static void
actions_and_the_implicit_keep(void **state)
{
	(void)state;
	assert_does("discard;", "");
	assert_does("discard; keep;", "keep");
	assert_does("stop; discard;", "keep");
	assert_does("if true { discard; stop; } redirect \"a@b.test\";", "");
	assert_does("require \"fileinto\"; fileinto \"a\"; fileinto \"a\"; fileinto \"b\"; keep;", "fileinto a, fileinto b, keep");
	assert_does("require [\"fileinto\",\"copy\",\"mailbox\"]; fileinto :copy :create \"a\";", "fileinto a create, keep");
	assert_does("redirect \"a@b.test\"; redirect \"A@B.test\";", "redirect a@b.test");
	assert_does("require \"copy\"; redirect :copy \"a@b.test\";", "redirect a@b.test, keep");
	assert_wrong("redirect \"a@b.test\"; redirect \"b@b.test\"; redirect \"c@b.test\";", "1", "too many redirects");
	assert_does("require \"ereject\"; ereject \"no\";", "reject no");
	assert_wrong("require \"reject\"; keep;\nreject \"no\";", "2", "together");
	assert_wrong("require \"reject\"; reject \"no\";\nredirect \"a@b.test\";", "2", "together");
}

static void
flags(void **state)
{
	(void)state;
	assert_does("require \"imap4flags\"; setflag \"\\\\Seen  $A\"; addflag [\"$b\", \"$a\"]; removeflag \"\\\\seen\";", "keep [$A $b]");
	assert_does("require [\"imap4flags\",\"fileinto\"]; setflag \"\\\\Flagged\"; fileinto :flags [] \"x\";", "1: a string is missing in a list");
	assert_does("require [\"imap4flags\",\"fileinto\"]; setflag \"\\\\Flagged\"; fileinto \"x\"; fileinto :flags \"\" \"y\"; setflag \"z\"; keep;",
	    "fileinto x [\\Flagged], fileinto y, keep [z]");
	assert_does("require \"imap4flags\"; setflag \"A B\"; if hasflag [\"c\", \"b\"] { keep :flags \"yes\"; }", "keep [yes]");
	assert_does("require \"imap4flags\"; setflag \"Junk\"; if hasflag :contains \"un\" { addflag \"\\\\Recent yes\"; }", "keep [Junk yes]");
	assert_does("require \"imap4flags\"; if hasflag \"x\" { discard; }", "keep");
}

static const char *
answered(const char *fields)
{
	static struct str own = STR_MOST(1000);
	static struct slice more[] = {{"me@alias.test", 13}};
	str_clear(&own);
	sieve_memory_free(&memory);
	assert_true(sieve_message_read(&message, slice_of(fields), &memory));
	return sieve_not_answered(&message, (struct sieve_strings){more, 1}, &own);
}

static void
who_is_answered(void **state)
{
	(void)state;
	outcome_of("", 0);
	assert_null(answered("To: a@b.test, RoadRunner@acme.example.com\r\n"));
	assert_null(answered("Cc: Me <me@alias.test>\r\nAuto-Submitted: no\r\n"));
	assert_null(answered("Resent-Bcc: roadrunner+fast@acme.example.com\r\n"));
	assert_non_null(answered("To: a@b.test\r\n"));
	assert_non_null(answered(""));
	static const char *const automatic[] = {"Auto-Submitted: auto-generated", "Auto-Submitted: (x) auto-replied; a=b", "List-Id: <x>", "list-post: <x>",
	    "Precedence: bulk", "Precedence: List", "X-Auto-Response-Suppress: All"};
	for (size_t i = 0; i < sizeof automatic / sizeof *automatic; i++) {
		char fields[200];
		snprintf(fields, sizeof fields, "To: me@alias.test\r\n%s\r\n", automatic[i]);
		assert_non_null(answered(fields));
	}
	static const char *const programs[] = {"", "owner-x@list.test", "x-request@list.test", "MAILER-DAEMON@x.test", "listserv@x.test", "majordomo@x.test",
	    "noreply@x.test", "roadrunner@acme.example.com", "ME@alias.test"};
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		message.sender = slice_of(programs[i]);
		assert_non_null(answered("To: me@alias.test\r\n"));
	}
}

static void
what_vacation_may_be(void **state)
{
	(void)state;
	assert_does("require \"vacation\"; vacation \"away\";", "vacation, keep");
	assert_does("require \"vacation\"; discard; vacation :days 3 :subject \"s\" :from \"Me <me@x.test>\" :addresses [\"a@b.test\"] :handle \"h\" \"x\";", "vacation");
	assert_wrong("require \"vacation\"; vacation \"a\"; vacation \"b\";", "1", "twice");
	assert_wrong("require [\"vacation\", \"reject\"]; vacation \"a\"; reject \"b\";", "1", "together");
	assert_wrong("require \"vacation\"; vacation :from \"nobody\" \"a\";", "1", "an address");
	assert_wrong("require \"vacation\"; vacation :from \"a@b.test, nobody\" \"a\";", "1", "an address");
	assert_does("require \"vacation\"; vacation :from \"a@b.test, Me <c@b.test>\" \"a\";", "vacation, keep");
	assert_wrong("require \"vacation\"; vacation :mime \"Content-Type: text/plain; name=gr\u00fcn\r\n\r\nx\";", "1", "ASCII");
	assert_wrong("require \"vacation\"; vacation :mime \"Bcc: x@y.test\\r\\n\\r\\nx\";", "1", "Content-");
	assert_does("require \"vacation\"; vacation :mime text:\nContent-Type: text/html\n\n<p>\n.\n;", "vacation, keep");
}

/* RFC 5230 section 4.7: a script is wrong for the messages that are not answered, too. */
static void
vacation_once_whoever_sent(void **state)
{
	(void)state;
	given = "From: a@b.test\r\nTo: others@b.test\r\nList-Id: <x.test>\r\n\r\n";
	assert_does("require \"vacation\"; vacation \"a\";", "keep");
	assert_wrong("require \"vacation\"; vacation \"a\"; vacation \"b\";", "1", "twice");
	assert_wrong("require [\"vacation\", \"reject\"]; vacation \"a\"; reject \"b\";", "1", "together");
	given = header;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_and_comments),
	    cmocka_unit_test(every_byte_and_every_cut_gives_a_script_or_an_error),
	    cmocka_unit_test(what_is_required_and_where),
	    cmocka_unit_test(nesting_has_an_end),
	    cmocka_unit_test(tests_of_the_header),
	    cmocka_unit_test(patterns),
	    cmocka_unit_test(tests_of_addresses),
	    cmocka_unit_test(encoded_characters),
	    cmocka_unit_test(actions_and_the_implicit_keep),
	    cmocka_unit_test(flags),
	    cmocka_unit_test(who_is_answered),
	    cmocka_unit_test(what_vacation_may_be),
	    cmocka_unit_test(vacation_once_whoever_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
