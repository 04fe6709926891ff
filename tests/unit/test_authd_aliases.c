/* authd/local_aliases.h: the classic aliases file, and what it may not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authd/local_aliases.h"
#include "lib/base/file.h"

static char directory[] = "/tmp/postern-aliases-XXXXXX";
static char path[64], log_path[64];
static struct local_aliases aliases;
static int saved_stderr;

static int
make_directory(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/aliases", directory);
	snprintf(log_path, sizeof log_path, "%s/log", directory);
	saved_stderr = dup(STDERR_FILENO);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	unlink(path);
	unlink(log_path);
	return rmdir(directory);
}

/* What is logged during a test goes to a file. */
static int
begin(void **state)
{
	(void)state;
	memset(&aliases, 0, sizeof aliases);
	local_aliases_begin(&aliases, path);
	int log = open(log_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	dup2(log, STDERR_FILENO);
	close(log);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	local_aliases_free(&aliases.table);
	unlink(path);
	return 0;
}

static unsigned
logged(const char *words)
{
	size_t len;
	unsigned count = 0;
	char *log = file_read_whole(AT_FDCWD, log_path, 1 << 20, &len);
	assert_non_null(log);
	for (const char *at = log; (at = strstr(at, words)) != NULL; at++)
		count++;
	free(log);
	return count;
}

/* Written an hour ago, as far as anybody can see: `order` tells the versions apart. */
static void
write_file(const char *text, size_t len, time_t order)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && file_write_all(fd, text, len));
	struct timespec times[2] = {{time(NULL) - 3600 + order, 0}, {time(NULL) - 3600 + order, 0}};
	futimens(fd, times);
	close(fd);
}

static void
look(void)
{
	aliases.file.looked = 0; /* a second has passed */
	local_aliases_refresh(&aliases);
}

static void
read_text(const char *text)
{
	static time_t order;
	write_file(text, strlen(text), ++order);
	look();
}

/* "found: targets", "none", "later" */
static const char *
find(const char *name)
{
	static char answer[1000];
	struct slice targets;
	switch (local_aliases_find(&aliases, slice_of(name), &targets)) {
	case FACT_FOUND:
		snprintf(answer, sizeof answer, "found: %.*s", (int)targets.len, targets.data);
		return answer;
	case FACT_NONE:
		return "none";
	case FACT_LATER:
		break;
	}
	return "later";
}

static void
names_lead_to_targets(void **state)
{
	(void)state;
	read_text("# aliases\npostmaster: root\r\n\nroot:\tann@Example.org, bob@example.com\n"
	          "Mailer-Daemon:postmaster\nzed : ann@example.org");
	assert_string_equal(find("postmaster"), "found: root");
	assert_string_equal(find("Root"), "found: ann@example.org,bob@example.com");
	assert_string_equal(find("mailer-daemon"), "found: postmaster");
	assert_string_equal(find("zed"), "found: ann@example.org");
	assert_string_equal(find("roo"), "none");
	assert_string_equal(find("roott"), "none");
	assert_string_equal(find(""), "none");
}

static void
lines_go_on_over_white_space_comments_and_empty_lines(void **state)
{
	(void)state;
	read_text("staff: ann@example.org,\n  bob@example.org,\n# not carol@example.org\n\n"
	          "   # nor dave@example.org\n\teve@example.org\nroot: ann@example.org\n");
	assert_string_equal(find("staff"), "found: ann@example.org,bob@example.org,eve@example.org");
	assert_string_equal(find("root"), "found: ann@example.org");
}

static void
names_and_targets_may_be_quoted(void **state)
{
	(void)state;
	read_text("\"ann b\": \"Ann, B\" <\"ann b\"@example.org>, bob@example.org (Bob, at home)\n"
	          "\"plain\": \\root\n\"a@b\": root\n"
	          "group: list: ann@example.org, bob@example.org;, root\n");
	assert_string_equal(find("\"ann b\""), "found: \"ann b\"@example.org,bob@example.org");
	assert_string_equal(find("plain"), "found: root");
	assert_string_equal(find("group"), "found: ann@example.org,bob@example.org,root");
	assert_string_equal(find("\"a@b\""), "found: root");
}

static void
programs_files_and_lists_are_refused_and_the_others_stay(void **state)
{
	(void)state;
	read_text("a: ann@example.org, |/bin/program, bob@example.org\n"
	          "b: \"|/bin/program with, arguments\", ann@example.org\n"
	          "c: /var/mail/c, :include:/etc/list, \":include:/etc/list\", \"/var/mail/c d\", ann@example.org\n"
	          "d: \"| /bin/program\"\n");
	assert_string_equal(find("a"), "found: ann@example.org,bob@example.org");
	assert_string_equal(find("b"), "found: ann@example.org");
	assert_string_equal(find("c"), "found: ann@example.org");
	/* Not "no such user": its mail waits until somebody mends the line. */
	assert_string_equal(find("d"), "later");
	assert_int_equal(logged("a file may not name a program to be run"), 3);
	assert_int_equal(logged("mail is not appended to files"), 2);
	assert_int_equal(logged("lists in other files are not read"), 2);
	assert_int_equal(logged("no target is left"), 1);
	assert_int_equal(logged("line=3"), 4);
}

static void
what_is_no_address_is_refused_and_the_others_stay(void **state)
{
	(void)state;
	read_text("a: one two, ann@example.org, <bob@example.org, carol@\n b@@c\nb: list:;, ann@example.org");
	assert_string_equal(find("a"), "found: ann@example.org");
	assert_string_equal(find("b"), "found: ann@example.org");
}

static void
a_name_with_a_domain_is_skipped(void **state)
{
	(void)state;
	read_text("ann@example.org: bob@example.org\nroot: ann@example.org\n");
	assert_string_equal(find("ann@example.org"), "none");
	assert_string_equal(find("ann"), "none");
	assert_string_equal(find("root"), "found: ann@example.org");
	assert_int_equal(logged("a name with a domain"), 1);
}

static void
the_first_of_two_lines_counts(void **state)
{
	(void)state;
	read_text("root: ann@example.org\nzed: ann@example.org\nROOT: bob@example.org\n");
	assert_string_equal(find("root"), "found: ann@example.org");
	assert_string_equal(find("zed"), "found: ann@example.org");
	assert_int_equal(logged("line=3 name=root reason=\"the name stands in the file before"), 1);
}

static void
a_broken_file_leaves_the_one_before_in_use(void **state)
{
	(void)state;
	static const char *const broken[] = {"root bob@example.org\n", "  root: bob@example.org\n", ": bob@example.org\n",
	    "root: bob@example.org\n\"zed: bob@example.org\n", "two words\n", "\xff: bob@example.org\n"};
	read_text("root: ann@example.org\n");
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		read_text(broken[i]);
		assert_string_equal(find("root"), "found: ann@example.org");
		assert_int_equal(logged("local-aliases-unreadable"), i + 1);
		look();
		assert_int_equal(logged("local-aliases-unreadable"), i + 1);
	}
	write_file("root: bob\0@example.org\n", 23, 1000);
	look();
	assert_string_equal(find("root"), "found: ann@example.org");
	assert_int_equal(logged("reason=\"it holds a NUL byte\""), 1);
	read_text("root: carol@example.org\n");
	assert_string_equal(find("root"), "found: carol@example.org");
}

static void
before_it_was_ever_read_the_answer_is_later(void **state)
{
	(void)state;
	look();
	assert_string_equal(find("root"), "later");
	read_text("root bob@example.org\n");
	assert_string_equal(find("root"), "later");
	assert_string_equal(find("nobody"), "later");
	read_text("root: bob@example.org\n");
	assert_string_equal(find("root"), "found: bob@example.org");
	assert_string_equal(find("nobody"), "none");
	unlink(path);
	look();
	assert_string_equal(find("root"), "found: bob@example.org");
}

static void
without_a_file_there_are_no_names(void **state)
{
	(void)state;
	aliases.file.path = "";
	look();
	assert_string_equal(find("root"), "none");
	assert_int_equal(logged("local-aliases"), 0);
}

static void
a_file_that_is_being_written_is_left_for_the_next_look(void **state)
{
	(void)state;
	read_text("root: ann@example.org\n");
	int fd = open(path, O_WRONLY | O_TRUNC);
	close(fd);
	look();
	assert_string_equal(find("root"), "found: ann@example.org");
}

static void
it_is_looked_at_once_a_second(void **state)
{
	(void)state;
	read_text("root: ann@example.org\n");
	write_file("root: bob@example.org\n", 22, 2000);
	local_aliases_refresh(&aliases);
	assert_string_equal(find("root"), "found: ann@example.org");
	look();
	assert_string_equal(find("root"), "found: bob@example.org");
}

static void
it_holds_a_hundred_thousand_names_and_no_more(void **state)
{
	(void)state;
	struct str text = STR_MOST(LOCAL_ALIASES_BYTES);
	for (int i = 0; i < LOCAL_ALIASES_NAMES; i++)
		str_append_format(&text, "n%d: a%d@example.org\n", i * 7919 % LOCAL_ALIASES_NAMES, i);
	assert_false(text.failed);
	write_file(text.data, text.len, 3000);
	look();
	assert_int_equal(aliases.table.count, LOCAL_ALIASES_NAMES);
	assert_string_equal(find("N7919"), "found: a1@example.org");
	assert_string_equal(find("n100000"), "none");
	str_append_text(&text, "more: ann@example.org\n");
	write_file(text.data, text.len, 3001);
	look();
	assert_string_equal(find("more"), "none");
	assert_string_equal(find("N7919"), "found: a1@example.org");
	assert_int_equal(logged("line 100001: too many names"), 1);
	str_free(&text);
}

static void
what_it_holds_floods_no_log(void **state)
{
	(void)state;
	struct str text = STR_MOST(LOCAL_ALIASES_BYTES);
	for (int i = 0; i < 1000; i++)
		str_append_format(&text, "n%d: ann@example.org, |program\n", i);
	write_file(text.data, text.len, 4000);
	look();
	assert_int_equal(logged("local-alias-refused"), LOCAL_ALIASES_TOLD);
	assert_int_equal(logged("more=950"), 1);
	str_free(&text);
}

static void
a_file_that_is_too_long_or_none_is_refused(void **state)
{
	(void)state;
	read_text("root: ann@example.org\n");
	assert_int_equal(truncate(path, LOCAL_ALIASES_BYTES + 1), 0);
	struct timespec times[2] = {{1, 0}, {1, 0}};
	utimensat(AT_FDCWD, path, times, 0);
	look();
	assert_int_equal(logged("reason=\"it is longer than 4 MiB\""), 1);
	assert_string_equal(find("root"), "found: ann@example.org");
	struct local_aliases other;
	memset(&other, 0, sizeof other);
	local_aliases_begin(&other, directory);
	local_aliases_refresh(&other);
	assert_false(other.file.ready);
	assert_int_equal(logged("reason=\"it is not a regular file\""), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(names_lead_to_targets),
	    TEST(lines_go_on_over_white_space_comments_and_empty_lines),
	    TEST(names_and_targets_may_be_quoted),
	    TEST(programs_files_and_lists_are_refused_and_the_others_stay),
	    TEST(what_is_no_address_is_refused_and_the_others_stay),
	    TEST(a_name_with_a_domain_is_skipped),
	    TEST(the_first_of_two_lines_counts),
	    TEST(a_broken_file_leaves_the_one_before_in_use),
	    TEST(before_it_was_ever_read_the_answer_is_later),
	    TEST(without_a_file_there_are_no_names),
	    TEST(a_file_that_is_being_written_is_left_for_the_next_look),
	    TEST(it_is_looked_at_once_a_second),
	    TEST(it_holds_a_hundred_thousand_names_and_no_more),
	    TEST(what_it_holds_floods_no_log),
	    TEST(a_file_that_is_too_long_or_none_is_refused),
	};
	return cmocka_run_group_tests_name("authd aliases", tests, make_directory, remove_directory);
}
