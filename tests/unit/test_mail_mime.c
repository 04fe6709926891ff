/* lib/mail/mime: the structure of messages, right, broken and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/budget.h"
#include "lib/mail/header.h"
#include "lib/mail/mime.h"

static struct mime_tree t;
static struct slice     message;

static int
free_tree(void **state)
{
	(void)state;
	mime_free(&t);
	return 0;
}

static void
parse(const char *text)
{
	mime_free(&t);
	message = slice_of(text);
	assert_true(mime_parse(&t, message));
}

static struct slice
text_of(struct mime_range r)
{
	assert_true(r.start <= r.end && r.end <= message.len);
	return slice_first(slice_from(message, r.start), r.end - r.start);
}

/* "text/plain[body]" of a leaf, "multipart/mixed(child child)" of the others. */
static void
describe(struct str *into, const struct mime_part *p)
{
	str_append_slice(into, p->type);
	str_append_byte(into, '/');
	str_append_slice(into, p->subtype);
	if (p->kind == MIME_LEAF) {
		str_append_byte(into, '[');
		str_append_slice(into, text_of(p->body));
		str_append_byte(into, ']');
		return;
	}
	str_append_byte(into, '(');
	for (uint32_t i = p->first_child; i != MIME_NONE; i = t.parts[i].next) {
		describe(into, &t.parts[i]);
		if (t.parts[i].next != MIME_NONE)
			str_append_byte(into, ' ');
	}
	str_append_byte(into, ')');
}

static void
assert_tree(const char *text, const char *expected)
{
	struct str s = STR_MOST(100000);
	parse(text);
	describe(&s, &t.parts[0]);
	assert_string_equal(str_text(&s), expected);
	str_free(&s);
}

#define MIXED(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\r\n\r\n"

static void
a_message_without_mime_is_one_text(void **state)
{
	(void)state;
	assert_tree("Subject: x\r\n\r\nHello\r\nworld\r\n", "text/plain[Hello\r\nworld\r\n]");
	assert_int_equal(t.parts[0].body.lines, 2);
	assert_int_equal(t.parts[0].body.bare, 0);
	assert_int_equal(t.parts[0].header.lines, 2);
	assert_int_equal(t.parts[0].header.end, 14);
	assert_tree("Subject: x\n\nHello\nworld", "text/plain[Hello\nworld]");
	assert_int_equal(t.parts[0].body.lines, 1);
	assert_int_equal(t.parts[0].body.bare, 1);
	assert_int_equal(t.parts[0].header.bare, 2);
	assert_tree("", "text/plain[]");
	assert_tree("Subject: x", "text/plain[]");
	assert_tree("\r\n", "text/plain[]");
}

static void
parts_end_before_their_boundary(void **state)
{
	(void)state;
	assert_tree(MIXED("b") "preamble\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n\r\n--b--\r\nepilogue\r\n--b\r\n",
	    "multipart/mixed(text/plain[one] text/html[two\r\n])");
	assert_int_equal(t.parts[1].body.lines, 0);
	assert_int_equal(t.parts[2].body.lines, 1);
	assert_int_equal(t.parts[0].body.end, message.len);
	assert_tree("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n\n--b--\n",
	    "multipart/mixed(text/plain[one] text/plain[two\n])");
	assert_int_equal(t.parts[2].body.bare, 1);
	assert_int_equal(t.parts[0].body.lines, 9 - 1);
}

static void
parts_without_a_body(void **state)
{
	(void)state;
	assert_tree(MIXED("b") "--b\r\n--b\r\n\r\n--b\r\nContent-Type: a/b\r\n--b\r\n\r\n\r\n--b--",
	    "multipart/mixed(text/plain[] text/plain[] a/b[] text/plain[])");
	assert_true(slice_is(text_of(t.parts[2].header), "\r\n"));
	assert_true(slice_is(text_of(t.parts[3].header), "Content-Type: a/b"));
}

static void
boundaries_are_whole_lines(void **state)
{
	(void)state;
	assert_tree(MIXED("b") "--b \t\r\n\r\nx\r\n--bb\r\n --b\r\n-b\r\n--b-\r\n--b--x\r\n--b-- \r\n",
	    "multipart/mixed(text/plain[x\r\n--bb\r\n --b\r\n-b\r\n--b-\r\n--b--x])");
	assert_tree(MIXED("\"a b:?(\\\"\"") "--a b:?(\"\r\n\r\nx\r\n--a b:?(\"--\r\n", "multipart/mixed(text/plain[x])");
	assert_tree(MIXED("b--") "--b--\r\n\r\nx\r\n--b----\r\n", "multipart/mixed(text/plain[x])");
	/* One boundary begins with the other. */
	assert_tree(MIXED("b") "--b\r\n" MIXED("b2") "--b2\r\n\r\nx\r\n--b2--\r\n--b--\r\n",
	    "multipart/mixed(multipart/mixed(text/plain[x]))");
}

static void
missing_and_bad_boundaries(void **state)
{
	(void)state;
	assert_tree("Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n", "multipart/mixed()");
	assert_tree("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n", "multipart/mixed()");
	assert_tree(MIXED("c") "--b\r\n\r\nx\r\n", "multipart/mixed()");
	assert_true(slice_is(text_of(t.parts[0].body), "--b\r\n\r\nx\r\n"));
	assert_tree(MIXED("b") "--b\r\n\r\nno end\r\n", "multipart/mixed(text/plain[no end\r\n])");
	assert_tree("Content-Type: multipart/mixed; boundary=b", "multipart/mixed()");
}

static void
an_outer_boundary_ends_inner_parts(void **state)
{
	(void)state;
	assert_tree(MIXED("out") "--out\r\n" MIXED("in") "--in\r\n\r\none\r\n--out\r\n\r\ntwo\r\n--out--\r\n",
	    "multipart/mixed(multipart/mixed(text/plain[one]) text/plain[two])");
	assert_tree(MIXED("out") "--out\r\n" MIXED("in") "--in\r\n\r\none\r\n--in--\r\nepilogue\r\n--in\r\n--out--\r\n",
	    "multipart/mixed(multipart/mixed(text/plain[one]))");
	/* The same boundary twice: the inner one counts until it has ended. */
	assert_tree(MIXED("b") "--b\r\n" MIXED("b") "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
	    "multipart/mixed(multipart/mixed(text/plain[one]) text/plain[two])");
}

static void
messages_within_messages(void **state)
{
	(void)state;
	assert_tree("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhello\r\n", "message/rfc822(text/plain[hello\r\n])");
	assert_int_equal(t.parts[1].header.start, t.parts[0].body.start);
	assert_int_equal(t.parts[1].body.end, t.parts[0].body.end);
	assert_tree(MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n\r\n" MIXED("c") "--c\r\n\r\nx\r\n--b--\r\n",
	    "multipart/mixed(message/rfc822(multipart/mixed(text/plain[x])))");
	assert_tree("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\none\r\n--b\r\n"
		    "Content-Type: text/html\r\n\r\ntwo\r\n--b--\r\n",
	    "multipart/digest(message/rfc822(text/plain[one]) text/html[two])");
	assert_tree("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDo=\r\n",
	    "message/rfc822[U3ViamVjdDo=\r\n]");
	assert_tree("Content-Type: message/rfc822", "message/rfc822(text/plain[])");
	assert_tree(MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n\r\n--b--\r\n",
	    "multipart/mixed(message/rfc822(text/plain[]))");
	assert_tree("Content-Type: message/partial; id=x\r\n\r\nhello", "message/partial[hello]");
}

static void
fields_of_a_part(void **state)
{
	(void)state;
	parse("content-TYPE : Text/HTML (comment) ; Charset=\"utf-8\";\r\n\tname*0*=us-ascii'en'a%20;name*1=b ; broken; =x; last=\r\n"
	      "Content-Id: <a@b>\r\nContent-ID: second\r\nContent-Description: some\r\n thing\r\n"
	      "Content-Transfer-Encoding: (x) Base64 ;\r\nContent-MD5: abc==\r\nContent-Location: http://x/\r\n"
	      "Content-Language: en, de (comment),,fr\r\n"
	      "Content-Disposition: attachment; filename=my=file.txt; size=\"1\\\"2\"\r\n\r\n");
	const struct mime_part *p = &t.parts[0];
	assert_true(slice_is(p->type, "Text") && slice_is(p->subtype, "HTML"));
	assert_true(slice_is(p->id, " <a@b>"));
	assert_true(slice_is(p->description, " some\r\n thing"));
	assert_true(slice_is(p->encoding, "Base64"));
	assert_true(slice_is(p->md5, " abc=="));
	assert_true(slice_is(p->location, " http://x/"));
	assert_true(slice_is(p->disposition, "attachment"));
	static const char *const expected[][2] = {{"Charset", "utf-8"}, {"name*0*", "us-ascii'en'a%20"}, {"name*1", "b"}, {"last", ""}};
	struct mime_parameters ps;
	struct slice name, value;
	mime_parameters_begin(&ps, p->parameters);
	for (size_t i = 0; i < 4; i++) {
		assert_true(mime_parameters_next(&ps, &name, &value));
		assert_true(slice_is(name, expected[i][0]) && slice_is(value, expected[i][1]));
	}
	assert_false(mime_parameters_next(&ps, &name, &value));
	mime_parameters_end(&ps);
	struct str s = STR_MOST(100);
	assert_true(mime_parameter(p->disposition_parameters, "FileName", &s));
	assert_string_equal(str_text(&s), "my=file.txt");
	assert_true(mime_parameter(p->disposition_parameters, "size", &s));
	assert_string_equal(str_text(&s), "1\"2");
	assert_false(mime_parameter(p->disposition_parameters, "none", &s));
	str_free(&s);
	struct cursor list = cursor_over(p->language);
	static const char *const words[] = {"en", "de", "fr"};
	for (size_t i = 0; i < 3; i++) {
		assert_true(mime_word_next(&list, &value));
		assert_true(slice_is(value, words[i]));
	}
	assert_false(mime_word_next(&list, &value));
}

static void
broken_types_mean_text(void **state)
{
	(void)state;
	static const char *const broken[] = {"Content-Type: text\r\n\r\n", "Content-Type:\r\n\r\n", "Content-Type: /html\r\n\r\n",
	    "Content-Type: text/\r\n\r\n", "Content-Type: \"text\"/html\r\n\r\n", "Content-Type: (text/html\r\n\r\n"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_tree(broken[i], "text/plain[]");
	assert_tree("Content-Type: text/x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", "text/x[]");
	assert_null(t.parts[0].disposition.data);
	assert_null(t.parts[0].id.data);
}

/* The index of the part that a section names, or -1. */
static int
found(const char *section)
{
	const struct mime_part *p = mime_find(&t, slice_of(section));
	return p != NULL ? (int)(p - t.parts) : -1;
}

static void
parts_are_found_by_section(void **state)
{
	(void)state;
	/* The example of RFC 9051 section 6.4.5.1: 1 text, 2 octets, 3 message(1 text, 2 octets), 4 multipart(image, message(1 text, 2 multipart(...))) */
	parse(MIXED("a") "--a\r\n\r\n1\r\n--a\r\nContent-Type: x/octets\r\n\r\n2\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n" MIXED("m")
	      "--m\r\n\r\n3.1\r\n--m\r\nContent-Type: x/octets\r\n\r\n3.2\r\n--m--\r\n--a\r\n" MIXED("n")
	      "--n\r\nContent-Type: image/gif\r\n\r\n4.1\r\n--n\r\nContent-Type: message/rfc822\r\n\r\n\r\n4.2.1\r\n--n--\r\n--a--\r\n");
	static const struct {
		const char *section;
		const char *body;
	} sections[] = {{"1", "1"}, {"2", "2"}, {"3.1", "3.1"}, {"3.2", "3.2"}, {"4.1", "4.1"}, {"4.2.1", "4.2.1"}};
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		const struct mime_part *p = mime_find(&t, slice_of(sections[i].section));
		assert_non_null(p);
		assert_true(slice_is(text_of(p->body), sections[i].body));
	}
	assert_int_equal(found(""), 0);
	assert_int_equal(t.parts[found("3")].kind, MIME_MESSAGE);
	assert_ptr_equal(mime_child(&t, mime_find(&t, slice_of("3"))), &t.parts[found("3")] + 1);
	assert_int_equal(t.parts[found("4")].kind, MIME_MULTIPART);
	static const char *const none[] = {"0", "5", "1.1", "3.3", "3.1.1", "4.2.2", "4.2.1.1", "1.", ".1", "1..2", "x", "1.TEXT",
	    "4294967296", "4294967297", " 1", "-1"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_int_equal(found(none[i]), -1);
}

static void
the_one_part_of_a_plain_message_is_itself(void **state)
{
	(void)state;
	parse("Subject: x\r\n\r\nhello");
	assert_int_equal(found("1"), 0);
	assert_int_equal(found("1.1"), -1);
	assert_int_equal(found("2"), -1);
	parse("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhello");
	assert_int_equal(found("1"), 0);
	assert_int_equal(found("1.1"), 1);
	assert_int_equal(found("1.1.1"), -1);
	parse("Content-Type: message/rfc822\r\n\r\n" MIXED("b") "--b\r\n\r\nx");
	assert_int_equal(found("1"), 0);
	assert_int_equal(found("1.1"), 2);
	mime_free(&t);
	assert_null(mime_find(&t, slice_of("")));
}

/* `count` times `piece` behind `head`. */
static char *
repeated(const char *head, const char *piece, size_t count)
{
	size_t before = strlen(head), len = strlen(piece);
	char *text = malloc(before + len * count + 1);
	assert_non_null(text);
	memcpy(text, head, before);
	for (size_t i = 0; i < count; i++)
		memcpy(text + before + i * len, piece, len);
	text[before + len * count] = '\0';
	return text;
}

static void
nesting_is_bounded(void **state)
{
	(void)state;
	char *text = repeated("", "Content-Type: message/rfc822\r\n\r\n", 3 * BUDGET_MIME_NESTING);
	parse(text);
	assert_true(t.over);
	assert_int_equal(t.count, BUDGET_MIME_NESTING + 1);
	assert_int_equal(t.parts[BUDGET_MIME_NESTING].kind, MIME_LEAF);
	assert_int_equal(t.parts[BUDGET_MIME_NESTING].body.end, message.len);
	free(text);
	text = repeated("", MIXED("b") "--b\r\n", 3 * BUDGET_MIME_NESTING);
	parse(text);
	assert_true(t.over);
	for (size_t i = 0; i < t.count; i++)
		assert_true(t.parts[i].depth <= BUDGET_MIME_NESTING);
	free(text);
}

static void
the_count_of_parts_is_bounded(void **state)
{
	(void)state;
	char *text = repeated(MIXED("b"), "--b\r\n\r\nx\r\n", BUDGET_MIME_PARTS + 10);
	parse(text);
	assert_true(t.over);
	assert_int_equal(t.count, BUDGET_MIME_PARTS);
	assert_int_equal(t.parts[t.count - 1].body.end, message.len);
	free(text);
	text = repeated(MIXED("b"), "--b\r\n\r\nx\r\n", BUDGET_MIME_PARTS - 1);
	parse(text);
	assert_false(t.over);
	assert_int_equal(t.count, BUDGET_MIME_PARTS);
	free(text);
}

static void
time_grows_with_the_length_only(void **state)
{
	(void)state;
	static const char *const pieces[][2] = {
	    {"", "Content-Type: message/rfc822\r\n\r\n"}, {"", MIXED("b") "--b\r\n"}, {MIXED("b"), "--b\r\n"}, {MIXED("b"), "--b--\r\n"},
	    {MIXED("b"), "--\r\n"}, {"Content-Type: multipart/mixed; ", "a=b;"}, {"Content-Type: multipart/mixed; ", "a;"},
	    {"Content-Type: ", "("}, {"Content-Type: multipart/x;boundary=\"", "\\"}, {"", "Content-Type: a/b\r\n"}, {MIXED("b"), "\r\n"},
	    {MIXED("b"), "-"}, {"", "\r"}, {"", " "}};
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		char *text = repeated(pieces[i][0], pieces[i][1], 300000);
		int64_t begun = clock_ms();
		parse(text);
		assert_true(clock_ms() - begun < 5000); /* quadratic would be hours */
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_without_mime_is_one_text),
	    cmocka_unit_test(parts_end_before_their_boundary),
	    cmocka_unit_test(parts_without_a_body),
	    cmocka_unit_test(boundaries_are_whole_lines),
	    cmocka_unit_test(missing_and_bad_boundaries),
	    cmocka_unit_test(an_outer_boundary_ends_inner_parts),
	    cmocka_unit_test(messages_within_messages),
	    cmocka_unit_test(fields_of_a_part),
	    cmocka_unit_test(broken_types_mean_text),
	    cmocka_unit_test(parts_are_found_by_section),
	    cmocka_unit_test(the_one_part_of_a_plain_message_is_itself),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(the_count_of_parts_is_bounded),
	    cmocka_unit_test(time_grows_with_the_length_only),
	};
	return cmocka_run_group_tests_name("mail mime", tests, NULL, free_tree);
}
