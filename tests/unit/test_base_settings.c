/* lib/base/settings: values, defaults and mistakes, from a directory of POSTERN_SETTINGS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/settings.h"

static char directory[] = "/tmp/postern-test-settings-XXXXXX";

static const char *text;
static uint64_t    number, size, seconds;
static bool        flag;

static const struct setting table[] = {
    {"a_text", SETTING_TEXT, "none", "a text", &text, 0, 0},
    {"a_number", SETTING_NUMBER, "7", "a number", &number, 2, 100},
    {"a_size", SETTING_SIZE, "10M", "a size", &size, 0, 0},
    {"a_time", SETTING_SECONDS, "5d", "a time", &seconds, 0, 0},
    {"a_flag", SETTING_FLAG, "no", "a flag", &flag, 0, 0},
};
#define COUNT (sizeof table / sizeof *table)

static const struct setting needed[] = {{"must", SETTING_TEXT, NULL, "what must be set", &text, 0, 0}};

static void
path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", directory, name);
}

static void
put(const char *name, const void *content, size_t len)
{
	char path[128];
	path_of(path, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_true(file_write_all(fd, content, len));
	close(fd);
}

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return 1;
	return setenv("POSTERN_SETTINGS", directory, 1);
}

static int
empty_directory(void **state)
{
	(void)state;
	static const char *const names[] = {"a_text", "a_number", "a_size", "a_time", "a_flag", "must", "file"};
	char path[128];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		path_of(path, names[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
	return 0;
}

/* Gives the text of an earlier load back: in a program it lives to the end. */
static void
forget_text(void)
{
	if (text != table[0].fallback)
		free((void *)(uintptr_t)text);
	text = NULL;
}

static int
remove_directory(void **state)
{
	(void)state;
	forget_text();
	return rmdir(directory);
}

static bool
load(const struct setting *t, size_t count)
{
	forget_text();
	return settings_load(t, count);
}

/* Loads with the log in a pipe; returns the one line that was logged, or "". */
static const char *
complaint(const struct setting *t, size_t count)
{
	static char line[4096];
	int ends[2], kept = dup(STDERR_FILENO);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	bool ok = load(t, count);
	dup2(kept, STDERR_FILENO);
	close(kept);
	ssize_t n = read(ends[0], line, sizeof line - 1);
	close(ends[0]);
	line[n > 0 ? n : 0] = '\0';
	assert_int_equal(ok, n <= 0);
	return line;
}

static void
absent_files_mean_the_defaults(void **state)
{
	(void)state;
	assert_string_equal(settings_directory(), directory);
	assert_true(load(table, COUNT));
	assert_string_equal(text, "none");
	assert_int_equal(number, 7);
	assert_int_equal(size, 10 << 20);
	assert_int_equal(seconds, 432000);
	assert_false(flag);
}

static void
files_are_values_without_their_line_end(void **state)
{
	(void)state;
	put("a_text", "two words\n", 10);
	put("a_number", "100\r\n", 5);
	put("a_size", "1k", 2);
	put("a_time", "90s \n\n", 6);
	put("a_flag", "YES\n", 4);
	assert_true(load(table, COUNT));
	assert_string_equal(text, "two words");
	assert_int_equal(number, 100);
	assert_int_equal(size, 1024);
	assert_int_equal(seconds, 90);
	assert_true(flag);
}

static void
an_empty_file_is_an_empty_text_but_no_number(void **state)
{
	(void)state;
	put("a_text", "", 0);
	assert_true(load(table, COUNT));
	assert_string_equal(text, "");
	put("a_number", "\n", 1);
	assert_non_null(strstr(complaint(table, COUNT), "a_number"));
}

static void
a_mistake_is_said_with_file_and_remedy(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {{"a_number", "1"}, {"a_number", "101"}, {"a_number", "x"},
	    {"a_size", "10 M"}, {"a_time", "-5"}, {"a_flag", "true"}, {"a_flag", ""}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		put(wrong[i][0], wrong[i][1], strlen(wrong[i][1]));
		const char *line = complaint(table, COUNT);
		assert_non_null(strstr(line, "error: setting-wrong file="));
		assert_non_null(strstr(line, wrong[i][0]));
		assert_non_null(strstr(line, "hint="));
		empty_directory(NULL);
	}
}

static void
what_must_be_set_must_be_set(void **state)
{
	(void)state;
	assert_non_null(strstr(complaint(needed, 1), "it is missing"));
	put("must", "is\n", 3);
	assert_true(load(needed, 1));
	assert_string_equal(text, "is");
}

static void
what_is_no_text_file_is_a_mistake(void **state)
{
	(void)state;
	char path[128];
	put("a_text", "a\0b", 3);
	assert_non_null(strstr(complaint(table, COUNT), "NUL"));
	empty_directory(NULL);
	path_of(path, "a_text");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_non_null(strstr(complaint(table, COUNT), "a_text"));
	empty_directory(NULL);
	/* A FIFO that nobody writes must not hold the start up. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_non_null(strstr(complaint(table, COUNT), "a_text"));
}

static void
a_value_is_of_bounded_length(void **state)
{
	(void)state;
	char *large = malloc(SETTING_MOST + 1);
	assert_non_null(large);
	memset(large, 'x', SETTING_MOST + 1);
	put("a_text", large, SETTING_MOST);
	assert_true(load(table, COUNT));
	assert_int_equal(strlen(text), SETTING_MOST);
	put("a_text", large, SETTING_MOST + 1);
	assert_non_null(strstr(complaint(table, COUNT), "a_text"));
	free(large);
}

static void
only_an_absolute_directory_is_taken_from_the_environment(void **state)
{
	(void)state;
	assert_int_equal(setenv("POSTERN_SETTINGS", "here", 1), 0);
	assert_string_not_equal(settings_directory(), "here");
	assert_int_equal(setenv("POSTERN_SETTINGS", directory, 1), 0);
	assert_string_equal(settings_directory(), directory);
}

static void
a_file_beside_the_settings_is_read_whole(void **state)
{
	(void)state;
	size_t len;
	char path[128];
	put("file", "a\0b\n", 4);
	char *content = settings_read_file("file", 4, &len);
	assert_non_null(content);
	assert_int_equal(len, 4);
	assert_memory_equal(content, "a\0b\n", 5);
	free(content);
	path_of(path, "file");
	content = settings_read_file(path, 100, &len);
	assert_non_null(content);
	free(content);
	assert_null(settings_read_file("file", 3, &len));
	assert_int_equal(errno, EFBIG);
	assert_null(settings_read_file("absent", 3, &len));
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	log_open("test");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(absent_files_mean_the_defaults, empty_directory),
	    cmocka_unit_test_teardown(files_are_values_without_their_line_end, empty_directory),
	    cmocka_unit_test_teardown(an_empty_file_is_an_empty_text_but_no_number, empty_directory),
	    cmocka_unit_test_teardown(a_mistake_is_said_with_file_and_remedy, empty_directory),
	    cmocka_unit_test_teardown(what_must_be_set_must_be_set, empty_directory),
	    cmocka_unit_test_teardown(what_is_no_text_file_is_a_mistake, empty_directory),
	    cmocka_unit_test_teardown(a_value_is_of_bounded_length, empty_directory),
	    cmocka_unit_test_teardown(only_an_absolute_directory_is_taken_from_the_environment, empty_directory),
	    cmocka_unit_test_teardown(a_file_beside_the_settings_is_read_whole, empty_directory),
	};
	return cmocka_run_group_tests_name("base settings", tests, make_directory, remove_directory);
}
