/* Notifications: who is told what (RFC 3461), the fields (RFC 3464), the words of templates, and that nothing breaks out of its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mail/address.h"
#include "lib/mail/encoded.h"
#include "lib/mail/utf8.h"
#include "queue/bounce.h"
#include "queue/checksum.h"
#include "queue/outward_keys.h"

/* --- a queue file with one recipient for each of some NOTIFY ------------------------------------ */

struct wish {
	const char *address;
	const char *key; /* or NULL */
};

static int
make_file(const char *sender, const char *with, const struct wish *wishes, size_t count, struct queue_file *f)
{
	struct str all = STR_MOST(FILE_HEADER_MOST);
	char mark[FILE_MARK_LEN];
	queue_file_build_begin(&all, 0x5f0e1a2b3c4du * 1000, slice_of(sender));
	if (with != NULL)
		queue_file_build_with(&all, slice_of(with));
	for (size_t i = 0; i < count; i++) {
		queue_file_build_recipient(&all, slice_of(wishes[i].address));
		if (wishes[i].key != NULL)
			queue_file_build_key(&all, slice_of(wishes[i].key));
		queue_file_build_recipient_end(&all);
	}
	queue_file_build_end(&all);
	queue_file_build_mark(mark, str_slice(&all), 0, 0);
	memcpy(all.data, mark, sizeof mark);
	int fd = memfd_create("queue", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, all.data, all.len, 0), (ssize_t)all.len);
	str_free(&all);
	assert_int_equal(queue_file_read(fd, true, f), FILE_OK);
	return fd;
}

static void
end(int fd, struct queue_file *f)
{
	queue_file_free(f);
	close(fd);
}

static void
test_who_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		bool        failure, delay, success;
	} rows[] = {
	    {NULL, true, true, false}, {"notify=NEVER", false, false, false}, {"notify=FAILURE", true, false, false},
	    {"notify=DELAY", false, true, false}, {"notify=SUCCESS", false, false, true}, {"notify=success,Delay", false, true, true},
	    {"notify=SUCCESS,FAILURE,DELAY", true, true, true}, {"notify=", true, true, false},
	};
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		struct queue_file f;
		bool null_sender = i % 2 == 1;
		struct wish wish = {"b@x.test", rows[i / 2].key};
		int fd = make_file(null_sender ? "" : "a@x.test", NULL, &wish, 1, &f);
		struct file_recipient *r = &f.recipients[0];
		assert_int_equal(report_failed(&f, r), rows[i / 2].failure ? RECIPIENT_FAILED : RECIPIENT_RETURNED);
		bool success = rows[i / 2].success && !null_sender;
		assert_int_equal(report_succeeded(&f, r, false), success ? RECIPIENT_SUCCEEDED : RECIPIENT_DELIVERED);
		assert_int_equal(report_succeeded(&f, r, true), success ? RECIPIENT_RELAYED : RECIPIENT_DELIVERED);
		assert_int_equal(report_of(&f, r, true), rows[i / 2].delay && !null_sender ? REPORT_DELAYED : REPORT_NOTHING);
		assert_int_equal(report_of(&f, r, false), REPORT_NOTHING);
		end(fd, &f);
	}
}

/* Each report is made once: what is marked when it is committed has nothing more to tell. */
static void
test_a_report_ends(void **state)
{
	(void)state;
	static const enum recipient_status due[] = {RECIPIENT_FAILED, RECIPIENT_SUCCEEDED, RECIPIENT_RELAYED, RECIPIENT_PENDING};
	struct wish wish = {"b@x.test", "notify=SUCCESS,FAILURE,DELAY"};
	struct queue_file f;
	int fd = make_file("a@x.test", NULL, &wish, 1, &f);
	for (size_t i = 0; i < 4; i++) {
		f.recipients[0].status = due[i];
		enum report what = report_of(&f, &f.recipients[0], true);
		assert_true(what != REPORT_NOTHING && report_is_due(&f, true));
		bool pending = queue_file_is_pending(&f.recipients[0]);
		f.recipients[0].status = report_done(what);
		assert_false(report_is_due(&f, true));
		assert_int_equal(queue_file_is_pending(&f.recipients[0]), pending);
	}
	end(fd, &f);
}

static void
check_notify(const struct queue_file *f, size_t index, const char *wanted)
{
	struct str s = STR_MOST(100);
	report_notify(&s, f, &f->recipients[index]);
	assert_string_equal(str_text(&s), wanted);
	str_free(&s);
}

/* RFC 3461 sections 5.2.7.2 and 5.2.7.3. */
static void
test_aliases(void **state)
{
	(void)state;
	struct queue_file f;
	struct wish wishes[] = {{"many@x.test", "notify=SUCCESS,DELAY"}, {"one@x.test", "notify=SUCCESS"}, {"plain@x.test", NULL}};
	int fd = make_file("a@x.test", NULL, wishes, 3, &f);
	struct file_target targets[] = {{.address = slice_of("c@x.test")}, {.address = slice_of("d@x.test")}};
	assert_true(queue_file_expand(fd, &f, 0, targets, 2)); /* 3, 4 */
	assert_true(queue_file_expand(fd, &f, 1, targets, 1)); /* 5 */
	assert_true(queue_file_expand(fd, &f, 2, targets, 2)); /* 6, 7 */
	check_notify(&f, 3, "DELAY");
	check_notify(&f, 5, "SUCCESS");
	check_notify(&f, 6, "");
	assert_int_equal(report_of(&f, &f.recipients[0], false), REPORT_EXPANDED);
	assert_int_equal(report_of(&f, &f.recipients[1], false), REPORT_NOTHING);
	assert_int_equal(report_of(&f, &f.recipients[2], false), REPORT_NOTHING);
	assert_int_equal(report_succeeded(&f, &f.recipients[3], false), RECIPIENT_DELIVERED);
	assert_int_equal(report_succeeded(&f, &f.recipients[5], false), RECIPIENT_SUCCEEDED);
	/* The one target of the second is an alias of several itself. */
	assert_true(queue_file_expand(fd, &f, 5, targets, 2)); /* 8, 9 */
	assert_int_equal(report_of(&f, &f.recipients[5], false), REPORT_EXPANDED);
	check_notify(&f, 8, "NEVER");
	/* An alias within an alias is not told of again. */
	assert_true(queue_file_expand(fd, &f, 3, targets, 2));
	assert_int_equal(report_of(&f, &f.recipients[3], false), REPORT_NOTHING);
	assert_true(queue_file_mark_status(fd, &f.recipients[0], report_done(REPORT_EXPANDED)));
	assert_int_equal(report_of(&f, &f.recipients[0], false), REPORT_NOTHING);
	end(fd, &f);
}

/* --- the letter ---------------------------------------------------------------------------------- */

static void
compose(struct str *letter, const struct queue_file *f, const char *returned, const char *to)
{
	struct bounce_templates templates;
	bounce_templates_begin(&templates);
	struct bounce b = {.file = f, .templates = &templates, .hostname = "mail.x.test", .to = slice_of(to), .late = true,
	    .returned = slice_of(returned), .now = 1795226861, .attempted = 1795226860, .life = 432000};
	*letter = STR_MOST(BOUNCE_MOST);
	assert_true(bounce_compose(letter, &b));
}

static void
set_outcome(int fd, struct queue_file *f, enum recipient_status status, const char *code, const char *text)
{
	struct outcome o = outcome_make(code, "%s", text);
	assert_true(queue_file_mark(fd, &f->recipients[0], status, &o));
}

static void
check_has(const struct str *letter, const char *wanted)
{
	if (strstr(str_text(letter), wanted) == NULL)
		fail_msg("no \"%s\" in\n%s", wanted, str_text(letter));
}

static void
check_has_not(const struct str *letter, const char *text)
{
	if (strstr(str_text(letter), text) != NULL)
		fail_msg("\"%s\" is in\n%s", text, str_text(letter));
}

static void
check_diagnostic(const char *text, const char *wanted, const char *remote)
{
	struct queue_file f;
	struct str letter;
	struct wish wish = {"b@x.test", NULL};
	int fd = make_file("a@x.test", NULL, &wish, 1, &f);
	set_outcome(fd, &f, RECIPIENT_FAILED, "5.1.1", text);
	compose(&letter, &f, "Subject: x\r\n", "a@x.test");
	check_has(&letter, wanted);
	if (remote != NULL)
		check_has(&letter, remote);
	else
		check_has_not(&letter, "Remote-MTA");
	str_free(&letter);
	end(fd, &f);
}

static void
test_diagnostics(void **state)
{
	(void)state;
	check_diagnostic("mx.far.test[192.0.2.1]:25 said after RCPT TO: 550 5.1.1 no such user", "\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n",
	    "\r\nRemote-MTA: dns; mx.far.test\r\n");
	check_diagnostic("mx.far.test[2001:db8::1]:25 said: 421 too busy", "\r\nDiagnostic-Code: x-postern; mx.far.test[", NULL);
	check_diagnostic(REPORT_TOO_OLD "4.2.1 mx.far.test[192.0.2.1]:25 said at once: 450 4.2.1 later", "\r\nDiagnostic-Code: smtp; 450 4.2.1 later\r\n",
	    "\r\nRemote-MTA: dns; mx.far.test\r\n");
	check_diagnostic("no such user here", "\r\nDiagnostic-Code: x-postern; no such user here\r\n", NULL);
	check_diagnostic("the host mx.far.test said nothing 550 x", "\r\nDiagnostic-Code: x-postern; the host", NULL);
	check_diagnostic("<x>[1]:25 said 550 x", "\r\nDiagnostic-Code: x-postern; <x>[1]:25", NULL);
	check_diagnostic("mx said", "\r\nDiagnostic-Code: x-postern; mx said\r\n", NULL);
	check_diagnostic(REPORT_TOO_OLD, "\r\nDiagnostic-Code: x-postern; could not be delivered", NULL);
	check_diagnostic("", "\r\nStatus: 5.1.1\r\nLast-Attempt-Date: ", NULL);
}

/* What a hostile text could do: end the line, the part or the fields; be too long. */
static void
test_nothing_breaks_out(void **state)
{
	(void)state;
	struct queue_file f;
	struct str letter;
	static const char hostile[] = "mx said 550 \r\nAction: delivered\x1b[2J\xc2\x85"; /* with its NUL */
	char text[FILE_TEXT_WIDTH + 1];
	struct wish wish = {"b\r\nAction: delivered\r\n@x\xff.test", "orcpt=rfc822;x+0D+0AAction:+20delivered\\x0d\\x0ay"};
	int fd = make_file("a@x.test", "envid=+0D+0AStatus:+202.0.0", &wish, 1, &f);
	set_outcome(fd, &f, RECIPIENT_FAILED, "5.1.1", "x");
	memset(text, 'w', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	memcpy(text, hostile, sizeof hostile);
	f.recipients[0].text = slice_make(text, sizeof text - 1);
	f.recipients[0].code = slice_of("5.\r\n1");
	compose(&letter, &f, "Subject: x\r\nX: \xff\r\n", "a@x.test");
	assert_int_equal(strlen(str_text(&letter)), letter.len);
	assert_true(address_is_ascii(str_slice(&letter)) && text_is_lines(str_slice(&letter)));
	check_has_not(&letter, "\nAction: delivered");
	check_has_not(&letter, "\nStatus: 2");
	check_has(&letter, "\r\nStatus: 5.0.0\r\n");
	check_has(&letter, "\r\nOriginal-Envelope-Id: +0D+0AStatus: 2.0.0\r\n");
	check_has(&letter, "\r\nFinal-Recipient: rfc822; b??Action: delivered??@x?.test\r\n");
	check_has(&letter, "\r\nX: =FF\r\n");
	str_free(&letter);
	end(fd, &f);
}

static void
test_utf8(void **state)
{
	(void)state;
	struct queue_file f;
	struct str letter;
	struct wish wish = {"\xc3\xb6+\\b@x.test", "orcpt=utf-8;\\x{F6}@\xe4\xbd\xa0.test"};
	int fd = make_file("\xc3\xb6@x.test", "smtputf8=1", &wish, 1, &f);
	set_outcome(fd, &f, RECIPIENT_FAILED, "5.1.1", "no");
	compose(&letter, &f, "Subject: \xc3\xb6\r\n", "\xc3\xb6@x.test");
	check_has(&letter, "\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n");
	check_has(&letter, "\r\nFinal-Recipient: utf-8; \xc3\xb6+\\b@x.test\r\n");
	check_has(&letter, "\r\nContent-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: \xc3\xb6\r\n");
	str_free(&letter);
	compose(&letter, &f, "Subject: \xc3\xb6\r\n", "postmaster@x.test");
	check_has(&letter, "\r\nContent-Type: message/delivery-status\r\n");
	check_has(&letter, "\r\nOriginal-Recipient: utf-8; \\x{F6}@\\x{4F60}.test\r\nFinal-Recipient: utf-8; \\x{F6}\\x{2B}\\x{5C}b@x.test\r\n");
	check_has(&letter, "\r\nContent-Type: message/global-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: =C3=B6\r\n");
	assert_true(address_is_ascii(str_slice(&letter)));
	str_free(&letter);
	end(fd, &f);
}

/* --- templates --------------------------------------------------------------------------------------- */

static void
check_template(const char *text, size_t line, const char *why)
{
	struct bounce_templates t, before;
	struct template_fault fault;
	bounce_templates_begin(&t);
	before = t;
	bool good = bounce_templates_parse(&t, slice_of(text), &fault);
	if (good != (why == NULL))
		fail_msg("%s: %s", text, good ? "taken" : fault.why);
	if (why == NULL)
		return;
	assert_int_equal(fault.line, line);
	assert_non_null(strstr(fault.why, why));
	assert_memory_equal(&t, &before, sizeof t);
}

static void
test_templates(void **state)
{
	(void)state;
	check_template("", 0, NULL);
	check_template("# $nothing\n\n[delay]\n# a remark\nSubject: x $$5 ${sender}s\n\n[not a section\n# $hostname\n", 0, NULL);
	check_template("[delay]\r\nSubject: x\r\n\r\ntext\r\n[success]\r\n\r\ny", 0, NULL);
	check_template("text\n", 1, "comes first");
	check_template("\n[later]\n", 2, "no such section");
	check_template("[delay]\nSubject: x", 2, "has no text");
	check_template("[delay]\n[failure]\n", 2, "has no text");
	check_template("[delay]\n\nx\n[delay]\n", 4, "twice");
	check_template("[delay]\nSubject:\n", 2, "a field is missing");
	check_template("[delay]\nReply-To: x\n", 2, "no such field");
	check_template("[delay]\n\na $b\n", 3, "not known");
	check_template("[delay]\n\n${sender\n", 3, "not known");
	check_template("[delay]\n\n$\n", 3, "not known");
	check_template("[delay]\nSubject: \xff\n", 2, "no UTF-8");
	check_template("[delay]\n\n\x1b\n", 3, "control");
}

static void
test_words(void **state)
{
	(void)state;
	struct queue_file f;
	struct template_fault fault;
	struct bounce_templates t;
	struct wish wish = {"b@x.test", NULL};
	int fd = make_file("a@x.test", NULL, &wish, 1, &f);
	set_outcome(fd, &f, RECIPIENT_FAILED, "5.1.1", "no");
	bounce_templates_begin(&t);
	assert_true(bounce_templates_parse(&t, slice_of("[failure]\nSubject: $hostname: \xe9\x80\x80\xe4\xbf\xa1\nFrom: Mail, \"System\"\n\n"
	    "${sender}! $$ $life $life_days\n$recipients\nend"), &fault));
	struct bounce b = {.file = &f, .templates = &t, .hostname = "mail.x.test", .to = slice_of("a@x.test"), .life = 432000};
	struct str letter = STR_MOST(BOUNCE_MOST);
	assert_true(bounce_compose(&letter, &b));
	check_has(&letter, "\r\nSubject: =?utf-8?B?bWFpbC54LnRlc3Q6IOmAgOS/oQ==?=\r\n");
	check_has(&letter, "\r\nFrom: \"Mail, \\\"System\\\"\"\r\n <MAILER-DAEMON@mail.x.test>\r\n");
	check_has(&letter, "\r\n\r\na@x.test! $ 5d 5\r\n  b@x.test\r\n    5.1.1 no\r\nend\r\n");
	str_free(&letter);
	end(fd, &f);
}

/* --- lib/mail/encoded.h, utf8.h ----------------------------------------------------------------------------- */

static void
check_quoted(const char *in, const char *out)
{
	struct str s = STR_MOST(1000);
	assert_true(quoted_printable_encode(&s, slice_of(in)));
	assert_string_equal(str_text(&s), out);
	str_free(&s);
}

static void
check_folded(const char *in, size_t column, const char *out)
{
	struct str s = STR_MOST(5000);
	folded_append(&s, column, slice_of(in), "");
	assert_string_equal(str_text(&s), out);
	str_free(&s);
}

static void
test_encoded(void **state)
{
	(void)state;
	char word[1000], wide[2100] = " ";
	check_quoted("a=b \r\n\xc3\xb6\t\r\nx\ry\n", "a=3Db=20\r\n=C3=B6=09\r\nx=0Dy=0A");
	check_quoted("", "");
	check_quoted("\r\n\r\n", "\r\n\r\n");
	check_folded("a  b", 3, " a b");
	check_folded("aa bb", 71, " aa\r\n bb");
	memset(word, 'x', 950);
	word[950] = '\0';
	check_folded(word, 0, (memcpy(wide + 1, word, 900), strcpy(wide + 901, "\r\n "), strcat(wide, word + 900)));
	struct str s = STR_MOST(2000);
	for (int i = 0; i < 40; i++)
		str_append_text(&s, "\xe4\xbd\xa0");
	struct str header = STR_MOST(2000);
	assert_true(encoded_unstructured(&header, 8, str_slice(&s)));
	assert_true(address_is_ascii(str_slice(&header)));
	struct slice rest = str_slice(&header), line;
	while (slice_split(&rest, '\n', &line))
		assert_true(line.len <= 77);
	str_clear(&header);
	assert_true(encoded_phrase(&header, 5, slice_of("Mail =?x")));
	assert_true(slice_starts(str_slice(&header), " =?utf-8?B?"));
	str_free(&header);
	str_free(&s);
	assert_true(text_is_lines(slice_of("a\r\nb")));
	assert_false(text_is_lines(slice_of("a\nb")));
	assert_false(text_is_lines(slice_of("a\rb")));
	assert_false(text_is_lines(slice_make("a\0b", 3)));
}

static void
test_characters(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t      len;
		unsigned    number;
	} rows[] = {
	    {"a", 1, 'a'}, {"\xc3\xb6", 2, 0xf6}, {"\xe4\xbd\xa0z", 3, 0x4f60}, {"\xf0\x9f\x98\x80", 4, 0x1f600}, {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	    {"", 0, 0}, {"\xc3", 0, 0}, {"\xc0\xaf", 0, 0}, {"\xed\xa0\x80", 0, 0}, {"\xf4\x90\x80\x80", 0, 0}, {"\xe0\x80\x80", 0, 0}, {"\x80", 0, 0},
	    {"\xe4\xbd", 0, 0}, {"\xff", 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned number = 0;
		assert_int_equal(utf8_character(slice_of(rows[i].text), &number), rows[i].len);
		assert_int_equal(number, rows[i].number);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_is_told), cmocka_unit_test(test_a_report_ends), cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_diagnostics), cmocka_unit_test(test_nothing_breaks_out), cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_templates), cmocka_unit_test(test_words), cmocka_unit_test(test_encoded), cmocka_unit_test(test_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
