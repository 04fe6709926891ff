/* The parts of imapd that read and write text: tokens, sets, sections, search programs, patterns, line ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "imapd/find.h"
#include "imapd/gather.h"
#include "imapd/imap_url.h"
#include "imapd/parse_fetch.h"
#include "imapd/parse_search.h"
#include "imapd/pattern.h"
#include "imapd/uidset.h"
#include "imapd/wire.h"

static struct scratch scratch = {.limit = 1 << 20};

static struct parser
over(const char *text)
{
	scratch_clear(&scratch);
	return parser_over(slice_of(text), &scratch);
}

#define assert_slice(got, text)                                      \
	do {                                                         \
		struct slice got_ = (got);                           \
		assert_int_equal(got_.len, strlen(text));            \
		assert_memory_equal(got_.data, text, strlen(text));  \
	} while (0)

static void
test_tokens(void **state)
{
	struct slice a, b, c, d;
	(void)state;
	struct parser p = over("a1 \"quo\\\"ted\\\\\" {4}\r\n\"x\r\n in]box ");
	assert_true(parse_tag(&p, &a) && parse_space(&p) && parse_astring(&p, &b) && parse_space(&p));
	assert_true(parse_astring(&p, &c) && parse_space(&p) && parse_astring(&p, &d));
	assert_slice(a, "a1");
	assert_slice(b, "quo\"ted\\");
	assert_slice(c, "\"x\r\n");
	assert_slice(d, "in]box");
	assert_false(parse_end(&p));
	p = over("NIL");
	assert_true(parse_nstring(&p, &a) && parse_end(&p));
	assert_null(a.data);
	p = over("\"\"");
	assert_true(parse_nstring(&p, &a));
	assert_non_null(a.data);
	assert_int_equal(a.len, 0);
}

static void
test_broken_strings(void **state)
{
	static const char *const broken[] = {"", " ", "\"", "\"a", "\"a\\", "\"a\\b\"", "\"a\rb\"", "{", "{}", "{3", "{3}", "{3}\r\nab",
	    "{-1}\r\n", "{99999999999}\r\nx", "(", ")", "\x01", "\\x", "a\"b"};
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct slice text;
		struct parser p = over(broken[i]);
		assert_false(parse_astring(&p, &text) && parse_end(&p));
		assert_non_null(p.error);
	}
	struct slice text;
	struct parser p = parser_over(slice_make("\"a\0b\"", 5), &scratch);
	assert_false(parse_astring(&p, &text));
	p = parser_over(slice_make("{2}\r\n\0a", 7), &scratch);
	assert_false(parse_astring(&p, &text));
}

static void
test_flags(void **state)
{
	struct slice flags[3];
	size_t count;
	(void)state;
	struct parser p = over("(\\Seen $Label1)");
	assert_true(parse_flag_list(&p, false, flags, 3, &count) && parse_end(&p));
	assert_int_equal(count, 2);
	assert_slice(flags[0], "\\Seen");
	assert_slice(flags[1], "$Label1");
	p = over("\\Seen x");
	assert_true(parse_flag_list(&p, true, flags, 3, &count));
	assert_int_equal(count, 2);
	p = over("()");
	assert_true(parse_flag_list(&p, false, flags, 3, &count));
	assert_int_equal(count, 0);
	p = over("(a b c d)");
	assert_false(parse_flag_list(&p, false, flags, 3, &count));
	p = over("(\\*)");
	assert_false(parse_flag_list(&p, false, flags, 3, &count));
}

static void
test_dates(void **state)
{
	struct date date;
	int64_t day;
	(void)state;
	struct parser p = over("\" 1-Feb-2026 10:00:00 +0130\"");
	assert_true(parse_date_time(&p, &date) && parse_end(&p));
	assert_int_equal(date.when, 1769934600);
	assert_int_equal(date.zone, 90);
	p = over("\"1-Feb-1970\"");
	assert_true(parse_date(&p, &day) && parse_end(&p));
	assert_int_equal(day, 31);
	p = over("1-Mar-1970 ");
	assert_true(parse_date(&p, &day));
	assert_int_equal(day, 59);
	p = over("30-Foo-1970");
	assert_false(parse_date(&p, &day));
	p = over("\"1-Feb-1970");
	assert_false(parse_date(&p, &day));
}

static void
check_set(const char *text, uint32_t largest, const char *wanted)
{
	struct sequence_set set;
	char got[200] = "";
	struct parser p = over(text);
	assert_true(parse_sequence_set(&p, &set) && parse_end(&p));
	sequence_resolve(&set, largest);
	for (size_t i = 0; i < set.count; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u:%u", i > 0 ? "," : "", set.ranges[i].first,
		    set.ranges[i].last);
	assert_string_equal(got, wanted);
}

static void
test_sequence_sets(void **state)
{
	(void)state;
	check_set("1", 9, "1:1");
	check_set("2,4:7,9,12:*", 15, "2:2,4:7,9:9,12:15");
	check_set("5:3,4,1:2", 9, "1:5");
	check_set("*", 7, "7:7");
	check_set("12:*", 7, "7:12");
	check_set("*:1", 0, "0:1");
	check_set("4294967294,1", 7, "1:1,4294967294:4294967294");
	check_set("4294967295:1", 7, "1:4294967295");
	check_set("4294967295", 7, "4294967295:4294967295"); /* a number beyond the folder, not its last message */
	check_set("3,3,3:3", 7, "3:3");
	static const char *const broken[] = {"", "0", "1:", ":1", "1,", ",1", "1:2:3", "a", "4294967296", "1:0", "-1", "1 2", "**"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct sequence_set set;
		struct parser p = over(broken[i]);
		assert_false(parse_sequence_set(&p, &set) && parse_end(&p));
	}
}

static void
test_sequence_membership(void **state)
{
	struct sequence_set set;
	(void)state;
	struct parser p = over("2,4:7,9");
	assert_true(parse_sequence_set(&p, &set));
	sequence_resolve(&set, 9);
	for (uint32_t n = 0; n < 12; n++)
		assert_int_equal(sequence_has(&set, n), n == 2 || (n >= 4 && n <= 7) || n == 9);
	assert_int_equal(sequence_largest(&set), 9);
}

static void
test_fetch_items(void **state)
{
	struct fetch_item *i;
	(void)state;
	struct parser p = over("(FLAGS body.peek[1.2.header.fields (To \"X Y\")]<5.10> RFC822.TEXT)");
	assert_true(parse_fetch_items(&p, &i) && parse_end(&p));
	assert_int_equal(i->kind, FETCH_FLAGS);
	i = i->next;
	assert_int_equal(i->kind, FETCH_SECTION);
	assert_true(i->peek && i->partial);
	assert_int_equal(i->offset, 5);
	assert_int_equal(i->length, 10);
	assert_slice(i->section.part, "1.2");
	assert_int_equal(i->section.text, SECTION_FIELDS);
	assert_int_equal(i->section.count, 2);
	assert_slice(i->section.names[1], "X Y");
	i = i->next;
	assert_string_equal(i->label, "RFC822.TEXT");
	assert_false(i->peek);
	assert_null(i->next);
	p = over("FULL");
	assert_true(parse_fetch_items(&p, &i) && parse_end(&p));
	assert_int_equal(i->next->next->next->next->kind, FETCH_BODY);
}

static void
test_broken_fetch_items(void **state)
{
	static const char *const broken[] = {"", "()", "(FLAGS", "FOO", "(ALL)", "BODY[", "BODY[1", "BODY[1.]", "BODY[.1]", "BODY[0]",
	    "BODY[1.0]", "BODY[1..2]", "BODY[1HEADER]", "BODY[MIME]", "BODY[FOO]", "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]",
	    "BODY[]<", "BODY[]<1>", "BODY[]<1.>", "BODY[]<1.0>", "BODY[]<1.2", "BODY[]<4294967296.1>", "FLAGS UID", "(FLAGS  UID)",
	    "BODY[9999999999]"};
	(void)state;
	for (size_t n = 0; n < sizeof broken / sizeof *broken; n++) {
		struct fetch_item *i;
		struct parser p = over(broken[n]);
		assert_false(parse_fetch_items(&p, &i) && parse_end(&p));
		assert_non_null(p.error);
	}
}

static bool
parse_program(struct parser *p, struct search_key **all)
{
	const struct charset *charset;
	bool modseq;
	return parse_search_charset(p, &charset) && parse_search(p, charset, all, &modseq);
}

static void
test_search(void **state)
{
	struct search_key *all;
	(void)state;
	struct parser p = over("CHARSET utf-8 UNSEEN OR FROM a (SUBJECT \"b c\" 1:3) NOT KEYWORD k SINCE 1-Feb-2026");
	assert_true(parse_program(&p, &all));
	struct search_key *k = all->child;
	assert_int_equal(k->kind, SEARCH_NOT);
	assert_int_equal(k->child->kind, SEARCH_FLAG);
	k = k->next;
	assert_int_equal(k->kind, SEARCH_OR);
	assert_slice(k->child->name, "From");
	assert_int_equal(k->child->next->kind, SEARCH_AND);
	assert_int_equal(k->child->next->child->next->kind, SEARCH_NUMBERS);
	k = k->next;
	assert_slice(k->child->name, "k");
	assert_int_equal(k->next->kind, SEARCH_SINCE);
	const struct charset *charset;
	p = over("CHARSET x-none ALL");
	assert_false(parse_search_charset(&p, &charset));
	assert_null(charset);
	p = over("CHARSET UTF-8 SUBJECT \"Gr\xc3\xbc\xc3\x9f\"");
	assert_true(parse_program(&p, &all));
	assert_slice(all->child->needle->text, "GRU\xcc\x88\xc3\x9f");
	static const char *const broken[] = {"", "FOO", "OR ALL", "NOT", "()", "(ALL", "HEADER x", "SINCE x", "UID", "LARGER -1", "ALL ", "OLDER 0", "YOUNGER", "MODSEQ \"/flags/\\\\Seen\" 5", "MODSEQ x", "$,1",
	    "CHARSET", "ALL ALL)"};
	for (size_t n = 0; n < sizeof broken / sizeof *broken; n++) {
		p = over(broken[n]);
		assert_false(parse_program(&p, &all));
		assert_non_null(p.error);
	}
}

static void
test_search_is_bounded(void **state)
{
	char text[5000] = "";
	struct search_key *all;
	(void)state;
	memset(text, '(', 1000);
	memcpy(text + 1000, "ALL", 4);
	struct parser p = over(text);
	assert_false(parse_program(&p, &all));
	text[0] = '\0';
	for (size_t i = 0; i < SEARCH_KEYS_MOST; i++)
		memcpy(text + i * 4, "ALL ", 5);
	p = over(text);
	assert_false(parse_program(&p, &all));
}

static void
test_patterns(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *name;
		bool        matches;
	} cases[] = {
		{"*", "a.b", true}, {"%", "a.b", false}, {"%", "ab", true}, {"a.%", "a.b", true}, {"a.%", "a.b.c", false},
		{"a*c", "a.b.c", true}, {"%.%", "a.b", true}, {"%.%", "a", false}, {"*b", "a.b", true}, {"", "", true},
		{"inbox", "INBOX", true}, {"Inbox", "inboxes", false}, {"a", "A", false}, {"a%", "a", true}, {"%*%", "x.y", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(pattern_matches(slice_of(cases[i].pattern), slice_of(cases[i].name)), cases[i].matches);
}

static void
test_find(void **state)
{
	struct needle n;
	(void)state;
	needle_make(&n, slice_of("NeeDle"));
	assert_true(needle_in(&n, slice_of("a haystack with a nEEdlE in it")));
	assert_true(needle_in(&n, slice_of("needle")));
	assert_false(needle_in(&n, slice_of("needl")));
	assert_false(needle_in(&n, slice_of("neeedl e")));
	needle_make(&n, slice_of(""));
	assert_true(needle_in(&n, slice_of("")));
	/* Every place and length, against the plain way, with a needle beyond the table's reach too. */
	static char hay[1500], text[600];
	for (size_t i = 0; i < sizeof hay; i++)
		hay[i] = (char)('a' + i * i % 7 + (i % 400 == 399));
	for (size_t len = 1; len < sizeof text; len += 37)
		for (size_t at = 0; at + len <= sizeof hay; at += 101) {
			memcpy(text, hay + at, len);
			needle_make(&n, slice_make(text, len));
			assert_true(needle_in(&n, slice_make(hay, sizeof hay)));
			text[len / 2] = 'Z';
			needle_make(&n, slice_make(text, len));
			assert_false(needle_in(&n, slice_make(hay, sizeof hay)));
		}
}

/* Whatever text and needle are, time grows as their sizes do. */
static void
test_find_evenly(void **state)
{
	enum { HAY = 2 << 20, NEEDLE = 60000 };
	struct needle n;
	(void)state;
	char *hay = malloc(HAY), *text = malloc(NEEDLE);
	assert_true(hay != NULL && text != NULL);
	memset(hay, 'a', HAY);
	memset(text, 'A', NEEDLE);
	text[NEEDLE / 2] = 'b';
	needle_make(&n, slice_make(text, NEEDLE));
	clock_t began = clock();
	assert_false(needle_in(&n, slice_make(hay, HAY)));
	assert_true(clock() - began < 3 * CLOCKS_PER_SEC); /* before: a minute */
	hay[HAY - NEEDLE / 2] = 'B';
	assert_true(needle_in(&n, slice_make(hay, HAY)));
	hay[HAY - 1] = 'c';
	assert_false(needle_in(&n, slice_make(hay, HAY)));
	free(hay);
	free(text);
}

static void
test_uid_sets(void **state)
{
	struct uid_pair pairs[] = {{1, 10}, {2, 11}, {3, 13}, {7, 14}};
	struct str text = STR_MOST(100);
	(void)state;
	assert_true(uidset_copyuid(&text, 5, pairs, 4));
	assert_string_equal(str_text(&text), "COPYUID 5 1:3,7 10:11,13:14");
	str_clear(&text);
	assert_true(uidset_appenduid(&text, 5, pairs, 4));
	assert_string_equal(str_text(&text), "APPENDUID 5 10:11,13:14");
	str_free(&text);
}

/* RFC 5092, relative ones. */
static void
test_urls(void **state)
{
	struct imap_url u;
	(void)state;
	scratch_clear(&scratch);
	assert_true(imap_url_parse(&u, slice_of("/Entw%C3%BCrfe.a%26b;uidvalidity=7/;uid=20/;section=1.MIME/;partial=3.4"), &scratch));
	assert_slice(u.mailbox, "Entw&APw-rfe.a&-b");
	assert_int_equal(u.uidvalidity, 7);
	assert_int_equal(u.uid, 20);
	assert_slice(u.section.part, "1");
	assert_int_equal(u.section.text, SECTION_MIME);
	assert_true(u.partial && u.offset == 3 && u.length == 4);
	assert_true(imap_url_parse(&u, slice_of(";UID=1/;PARTIAL=9"), &scratch));
	assert_true(u.mailbox.len == 0 && u.uidvalidity == 0 && u.section.text == SECTION_ALL && u.length == UINT32_MAX);
	static const char *const bad[] = {"", "/", "/INBOX", "/INBOX/", "/INBOX/;UID=", "/INBOX/;UID=0", "/INBOX/;UID=1x", "/INBOX;UID=1", "//h/INBOX/;UID=1",
	    "imap://h/INBOX/;UID=1", "/a/b/;UID=1", "/INBOX;UIDVALIDITY=0/;UID=1", ";UIDVALIDITY=2/;UID=1", "/%F/;UID=1", "/%FF/;UID=1", "/%00/;UID=1",
	    "/INBOX/;UID=1/;SECTION=", "/INBOX/;UID=1/;SECTION=1.0", "/INBOX/;UID=1/;PARTIAL=1.0", "/INBOX/;UID=1/;PARTIAL=1.2.3", "/INBOX/;UID=1/x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(imap_url_parse(&u, slice_of(bad[i]), &scratch));
}

/* What `parts` of a message become on the wire, at every split point and for every stretch. */
static void
test_wire(void **state)
{
	static const char disk[] = "a\nb\r\nc\rd\n\n\r\n";
	static const char wire[] = "a\r\nb\r\nc\rd\r\n\r\n\r\n";
	const size_t size = sizeof wire - 1;
	(void)state;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (size_t split = 0; split < sizeof disk; split++)
		for (size_t skip = 0; skip <= size; skip++)
			for (size_t left = 0; left <= size - skip; left++) {
				static struct output out;
				char got[64];
				output_open(&out, fds[0], 1000);
				struct wire w = {.out = &out, .skip = skip, .left = left};
				wire_feed(&w, slice_make(disk, split));
				wire_feed(&w, slice_make(disk + split, sizeof disk - 1 - split));
				assert_int_equal(w.left, 0);
				assert_int_equal(out.len, left);
				memcpy(got, out.buffer, left);
				assert_memory_equal(got, wire + skip, left);
			}
	assert_int_equal(wire_size(slice_of(disk)), size);
	close(fds[0]);
	close(fds[1]);
}

/* --- gathering, byte by byte ---------------------------------------------------------- */

struct line {
	int            fds[2];
	struct input   in;
	struct output  out;
	struct gather  g;
};

static bool
streams_append(struct slice so_far)
{
	return slice_starts(so_far, "a APPEND");
}

static bool
streams_on(struct slice so_far)
{
	return slice_starts(so_far, " {");
}

static void
line_open(struct line *l, const char *bytes, size_t len)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, l->fds), 0);
	assert_int_equal(write(l->fds[1], bytes, len), len);
	shutdown(l->fds[1], SHUT_WR);
	input_open(&l->in, l->fds[0], 1000);
	output_open(&l->out, l->fds[0], 1000);
	l->g = (struct gather){
	    .in = &l->in, .out = &l->out, .text = STR_MOST(100), .literal_most = 20, .streams = streams_append, .streams_on = streams_on};
}

static void
line_close(struct line *l)
{
	str_free(&l->g.text);
	close(l->fds[0]);
	close(l->fds[1]);
}

static void
check_gather(const char *bytes, enum gather_result wanted, const char *text)
{
	static struct line l;
	line_open(&l, bytes, strlen(bytes));
	assert_int_equal(gather_command(&l.g), wanted);
	if (text != NULL)
		assert_string_equal(str_text(&l.g.text), text);
	line_close(&l);
}

static void
test_gather(void **state)
{
	(void)state;
	check_gather("a NOOP\r\n", GATHER_OK, "a NOOP");
	check_gather("a NOOP\n", GATHER_OK, "a NOOP");
	check_gather("a X {3}\r\nabc d\r\n", GATHER_OK, "a X {3}\r\nabc d");
	check_gather("a X {3+}\r\nabc\r\n", GATHER_OK, "a X {3+}\r\nabc");
	check_gather("a X {1}\r\n\r\n", GATHER_OK, "a X {1}\r\n\r");
	check_gather("a X {0}\r\n\r\n", GATHER_OK, "a X {0}\r\n");
	check_gather("a X {21}\r\n", GATHER_TOO_BIG, NULL);
	check_gather("a X {21+}\r\n", GATHER_TOO_LONG, NULL);
	check_gather("a X {4294967296}\r\n", GATHER_TOO_BIG, NULL);
	check_gather("a X {99999999999999999999}\r\n", GATHER_TOO_BIG, NULL);
	check_gather("a X {3}\r\nab", GATHER_END, NULL);
	check_gather("a X", GATHER_END, NULL);
	check_gather("", GATHER_END, NULL);
	check_gather("a APPEND x {999}\r\n", GATHER_STREAM, "a APPEND x {999}");
	char full[102];
	memset(full, 'x', 100);
	memcpy(full + 99, "\n", 2);
	check_gather(full, GATHER_OK, NULL);
	memset(full, 'x', 101);
	full[101] = '\0';
	check_gather(full, GATHER_TOO_LONG, NULL);
	check_gather("a X {20}\r\n12345678901234567890 {20}\r\n12345678901234567890 {20}\r\n12345678901234567890 {20}\r\n", GATHER_TOO_BIG,
	    NULL);
}

/* Behind a streamed literal some are streamed as well. */
static void
test_gather_the_rest(void **state)
{
	static const char bytes[] = " {5+}\r\n URL {1+}\r\nx\r\n";
	static struct line l;
	(void)state;
	line_open(&l, bytes, sizeof bytes - 1);
	assert_int_equal(gather_rest(&l.g), GATHER_STREAM);
	assert_true(l.g.streaming && l.g.literal.unasked && l.g.literal.size == 5);
	assert_int_equal(gather_rest(&l.g), GATHER_OK);
	assert_false(l.g.streaming);
	assert_string_equal(str_text(&l.g.text), " URL {1+}\r\nx");
	line_close(&l);
}

static void
test_gather_byte_by_byte(void **state)
{
	static const char bytes[] = "a X {3}\r\nabc {2+}\r\n\r\n \r\n";
	static struct line l;
	(void)state;
	for (size_t end = 0; end < sizeof bytes - 1; end++) {
		line_open(&l, bytes, end);
		assert_int_equal(gather_command(&l.g), GATHER_END);
		line_close(&l);
	}
	line_open(&l, bytes, sizeof bytes - 1);
	assert_int_equal(gather_command(&l.g), GATHER_OK);
	assert_string_equal(str_text(&l.g.text), "a X {3}\r\nabc {2+}\r\n\r\n ");
	line_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_broken_strings),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_sequence_sets),
		cmocka_unit_test(test_sequence_membership),
		cmocka_unit_test(test_fetch_items),
		cmocka_unit_test(test_broken_fetch_items),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_search_is_bounded),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_evenly),
		cmocka_unit_test(test_uid_sets),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_gather_the_rest),
		cmocka_unit_test(test_gather_byte_by_byte),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_clear(&scratch);
	return failed;
}
