/* Names of messages, the dotlock, the UID list's text, uidvalidity. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/store/dotlock.h"
#include "lib/store/name.h"
#include "lib/store/sweep.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidvalidity.h"
#include "lib/store/utf7.h"

static char path[64];
static int  directory;

static int
begin(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test-parts-XXXXXX");
	assert_non_null(mkdtemp(path));
	directory = open(path, O_RDONLY | O_DIRECTORY);
	return directory >= 0 ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	close(directory);
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/rm", "rm", "-rf", path, (char *)NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	return 0;
}

static void
put_file(const char *name, const char *content, time_t age)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_true(file_write_all(fd, content, strlen(content)));
	struct timespec when[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
	assert_int_equal(futimens(fd, when), 0);
	close(fd);
}

static void
test_names(void **state)
{
	(void)state;
	struct name_parts p;
	char built[NAME_MOST + 1];
	assert_true(name_parse(slice_of("1700000000.M1P2.host,S=10,W=12:2,TFac"), &p));
	assert_true(slice_is(p.base, "1700000000.M1P2.host,S=10,W=12"));
	assert_int_equal(p.flags, FLAG_FLAGGED | FLAG_DELETED);
	assert_int_equal(p.keywords, 5);
	assert_true(p.has_size && p.size == 10 && p.has_wire_size && p.wire_size == 12);
	assert_int_equal(p.time, 1700000000);
	assert_true(name_build(built, p.base, p.info, FLAG_SEEN, 1u << 25));
	assert_string_equal(built, "1700000000.M1P2.host,S=10,W=12:2,Sz");
	assert_true(name_parse(slice_of("x:1,S"), &p));
	assert_int_equal(p.flags, 0);
	assert_true(name_parse(slice_of("S=5,W=6"), &p));
	assert_false(p.has_size);
	assert_true(p.has_wire_size);
	static const char *const no_size[] = {"a,S=", "a,S=x", "a,S=5x", "a,S=-1", "a,S=99999999999999999999", "a"};
	for (size_t i = 0; i < sizeof no_size / sizeof *no_size; i++)
		assert_true(name_parse(slice_of(no_size[i]), &p) && !p.has_size);
	static const char *const none[] = {"", ".", "..", ".x", ":2,S", "a\nb", "a\tb", "a\x7f"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(name_parse(slice_of(none[i]), &p));
	char longest[300];
	memset(longest, 'a', sizeof longest);
	assert_true(name_parse(slice_make(longest, 255), &p));
	assert_false(name_parse(slice_make(longest, 256), &p));
	assert_false(name_build(built, p.base, p.info, 0, 0));
	assert_true(name_build(built, slice_make(longest, 252), p.info, 0, 0));
	assert_false(name_build(built, slice_make(longest, 252), p.info, FLAG_SEEN, 0));
}

/* RFC 3501 section 5.1.3, its example, and what must not come of it. */
static void
test_utf7(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"Sent", "Sent"}, {"a&b", "a&-b"}, {"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
		{"Entw\u00fcrfe", "Entw&APw-rfe"}, {"\U0001f600", "&2D3eAA-"}, {"\u00fc&\u00fc", "&APw-&-&APw-"}, {"", ""},
	};
	struct str name = STR_MOST(64), back = STR_MOST(64);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		str_clear(&name);
		assert_true(utf7_from_utf8(&name, slice_of(pairs[i][0])));
		assert_string_equal(str_text(&name), pairs[i][1]);
		assert_true(utf7_ok(str_slice(&name)));
		str_clear(&back);
		assert_true(utf7_to_utf8(&back, str_slice(&name)));
		assert_string_equal(str_text(&back), pairs[i][0]);
	}
	static const char *const broken[] = {"&", "&APw", "&A-", "&AGE-", "&2D0-", "\xc3\xbc", "a\x01", "&APw-&APw-"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_false(utf7_to_utf8(&back, slice_of(broken[i])));
	str_free(&back);
	static const char *const none[] = {"\xff", "\xc3", "a\x01", "a\x7f", "\xc2\x80", "\xed\xa0\x80", "\xc0\xaf"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(utf7_from_utf8(&name, slice_of(none[i])));
	str_free(&name);
	name = STR_MOST(4);
	assert_false(utf7_from_utf8(&name, slice_of("\u00fc")));
	str_free(&name);
}

static bool
is_there(const char *name)
{
	return faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 36 hours, by the last change of any kind; not again within 20 hours; no directory. */
static void
test_sweep(void **state)
{
	(void)state;
	const int64_t now = time(NULL), hour = 3600;
	put_file("dated", "x", 1000 * hour);
	assert_int_equal(mkdirat(directory, "d", 0700), 0);
	assert_int_equal(symlinkat("/etc/passwd", directory, "link"), 0);
	sweep_tmp(directory, now + 35 * hour);
	assert_true(is_there("dated") && is_there("d") && is_there("link"));
	/* It has looked a moment ago. */
	sweep_tmp(directory, now + 54 * hour);
	assert_true(is_there("dated"));
	sweep_tmp(directory, now + 56 * hour);
	assert_true(!is_there("dated") && !is_there("link") && is_there("d"));
}

static void
test_lock_excludes(void **state)
{
	(void)state;
	struct dotlock a, b;
	assert_true(dotlock_take(&a, directory, "x.lock", 0));
	assert_false(dotlock_take(&b, directory, "x.lock", 50));
	assert_int_equal(errno, ETIMEDOUT);
	dotlock_release(&b);
	dotlock_release(&a);
	dotlock_release(&a);
	assert_true(dotlock_take(&b, directory, "x.lock", 0));
	dotlock_release(&b);
	assert_int_equal(faccessat(directory, "x.lock", F_OK, 0), -1);
}

static void
test_lock_of_the_dead(void **state)
{
	(void)state;
	struct dotlock l;
	pid_t child = fork();
	if (child == 0) {
		dotlock_take(&l, directory, "x.lock", 0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(faccessat(directory, "x.lock", F_OK, 0), 0);
	assert_true(dotlock_take(&l, directory, "x.lock", 200));
	dotlock_release(&l);
	/* Dovecot's: respected for a minute. */
	put_file("x.lock", "1234:host", 30);
	assert_false(dotlock_take(&l, directory, "x.lock", 50));
	put_file("x.lock", "1234:host", 120);
	assert_true(dotlock_take(&l, directory, "x.lock", 200));
	dotlock_release(&l);
	/* What it writes into a lock to rename it is not the line of ours, though it ends in LF. */
	static const char *const contents[] = {"0 $Junk\n", "V\t2\n\nSent\n", "Sent\n", "12:\n", "1:a b\n"};
	for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
		put_file("x.lock", contents[i], 0);
		assert_false(dotlock_take(&l, directory, "x.lock", 20));
	}
	assert_int_equal(unlinkat(directory, "x.lock", 0), 0);
	/* Links and directories in its place: no lock, no harm. */
	assert_int_equal(symlinkat("/etc/passwd", directory, "x.lock"), 0);
	assert_false(dotlock_take(&l, directory, "x.lock", 50));
	assert_int_equal(unlinkat(directory, "x.lock", 0), 0);
	assert_int_equal(mkdirat(directory, "x.lock", 0700), 0);
	assert_false(dotlock_take(&l, directory, "x.lock", 50));
}

/* Many processes, one counter in a file: none is lost. */
static void
test_lock_race(void **state)
{
	(void)state;
	enum { PROCESSES = 6, ROUNDS = 20 };
	put_file("count", "0", 0);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		for (int n = 0; n < ROUNDS; n++) {
			struct dotlock l;
			size_t len;
			if (!dotlock_take(&l, directory, "x.lock", 20000))
				_exit(1);
			char *text = file_read_whole(directory, "count", 100, &len), next[16];
			snprintf(next, sizeof next, "%d", atoi(text) + 1);
			free(text);
			int fd = openat(directory, "count", O_WRONLY | O_TRUNC);
			file_write_all(fd, next, strlen(next));
			close(fd);
			if (n == ROUNDS - 1 && i % 2 == 0)
				_exit(0); /* dies with the lock */
			dotlock_release(&l);
		}
		_exit(0);
	}
	int status;
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	size_t len;
	char *text = file_read_whole(directory, "count", 100, &len);
	assert_int_equal(atoi(text), PROCESSES * ROUNDS);
	free(text);
}

static void
test_uidlist_text(void **state)
{
	(void)state;
	struct uidlist l;
	struct uid_entry e;
	struct slice text = slice_of("3 V7 N3 Gabc Hx\n1 W3 S4 :a:2,S\n2 :b\n9 c d:e\n");
	assert_true(uidlist_parse(&l, text));
	assert_int_equal(l.uidvalidity, 7);
	assert_int_equal(l.uidnext, 10);
	assert_true(slice_is(l.others, "Gabc Hx"));
	struct slice rest = l.body;
	assert_true(uidlist_next(&rest, &e));
	assert_true(e.uid == 1 && slice_is(e.extra, "W3 S4") && slice_is(e.base, "a"));
	assert_true(uidlist_next(&rest, &e));
	assert_true(e.uid == 2 && e.extra.len == 0 && slice_is(e.base, "b"));
	assert_true(uidlist_next(&rest, &e));
	assert_true(e.uid == 9 && slice_is(e.base, "c d"));
	assert_false(uidlist_next(&rest, &e));
	assert_false(l.torn || l.old);
	assert_int_equal(l.end, text.len);
	/* One that somebody is appending to, or whose writer was killed. */
	assert_true(uidlist_parse(&l, slice_of("3 V7 N3\n1 :a\n2 :")));
	assert_true(l.torn && l.old && l.uidnext == 3 && l.end == 13 && slice_is(l.body, "1 :a\n"));
	assert_true(uidlist_parse(&l, slice_of("3 V7 N3 Ga\n1 :a\n5 :x")));
	assert_true(l.torn && !l.old && l.uidnext == 6);
	assert_true(uidlist_parse(&l, slice_of("3 V7 N3\n1 :a\n56")));
	assert_true(l.torn && l.uidnext == 3);
	assert_true(uidlist_parse(&l, slice_of("1 1234 7\n1 a\n")));
	assert_true(l.old);
	assert_int_equal(l.uidnext, 7);
	assert_false(uidlist_parse(&l, slice_of("3 V7 N4294967295\n")));
	assert_false(uidlist_parse(&l, slice_of("3 V7 N3\n4294967295 :a\n")));
}

static void
test_uidlist_written(void **state)
{
	(void)state;
	struct uidlist_writer w;
	struct uidlist l = {.uidvalidity = 5, .uidnext = 3, .others = slice_of("Gff Hq")};
	struct uid_entry one = {.uid = 1, .extra = slice_of("W1"), .base = slice_of("x")}, two = {.uid = 2, .base = slice_of("y")};
	size_t len;
	assert_true(uidlist_write_begin(&w, directory, &l));
	uidlist_write_entry(&w, &one);
	uidlist_write_entry(&w, &two);
	assert_true(uidlist_write_end(&w));
	char *text = file_read_whole(directory, UIDLIST_NAME, 1000, &len);
	assert_string_equal(text, "3 V5 N3 Gff Hq\n1 W1 :x\n2 :y\n");
	free(text);
	assert_int_equal(uidlist_read(&l, directory), UIDLIST_OK);
	uidlist_free(&l);
}

static void
test_uidvalidity_rises(void **state)
{
	(void)state;
	uint32_t now = (uint32_t)time(NULL), last = uidvalidity_next(directory, 0);
	assert_true(last >= now);
	for (int i = 0; i < 20; i++) {
		uint32_t next = uidvalidity_next(directory, 0);
		assert_true(next > last);
		last = next;
	}
	assert_true(uidvalidity_next(directory, last + 1000) > last + 1000);
	/* Also when the last one is ahead of the clock, or the hint is noise. */
	put_file("dovecot-uidvalidity.f0000000", "", 0);
	put_file("dovecot-uidvalidity.zzzzzzzz", "", 0);
	put_file("dovecot-uidvalidity", "noise", 0);
	assert_true(uidvalidity_next(directory, 0) > 0xf0000000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_utf7),
	    TEST(test_lock_excludes),
	    TEST(test_sweep),
	    TEST(test_lock_of_the_dead),
	    TEST(test_lock_race),
	    cmocka_unit_test(test_uidlist_text),
	    TEST(test_uidlist_written),
	    TEST(test_uidvalidity_rises),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
