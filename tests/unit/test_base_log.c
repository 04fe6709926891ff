/* lib/base/log: what comes out of descriptor 2, through a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"

static char written[8192];
static int  ends[2], kept;

/* From here to log_caught() descriptor 2 is a pipe. */
static void
catch_log(void)
{
	assert_int_equal(pipe(ends), 0);
	kept = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

static const char *
log_caught(void)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
	size_t len = 0;
	for (ssize_t n; len < sizeof written - 1 && (n = read(ends[0], written + len, sizeof written - 1 - len)) > 0;)
		len += (size_t)n;
	close(ends[0]);
	written[len] = '\0';
	return written;
}

static void
an_event_is_one_line_of_keys_and_values(void **state)
{
	(void)state;
	log_open("postern-test");
	catch_log();
	log_info("accepted", log_text("queue", "abc"), log_number("size", -412), log_text("from", "a b@x"));
	assert_string_equal(log_caught(), "postern-test: info: accepted queue=abc size=-412 from=\"a b@x\"\n");
	catch_log();
	log_error("alone", {.key = NULL});
	assert_string_equal(log_caught(), "postern-test: error: alone\n");
}

static void
hostile_values_stay_within_their_quotes(void **state)
{
	(void)state;
	static const char value[] = "x\" ok=1\r\npostern-smtpd: \\ \x1b[2J\0\xc3\xa9";
	catch_log();
	log_warning("odd", log_slice("value", slice_make(value, sizeof value - 1)), log_text("none", ""),
	    log_text("null", NULL));
	assert_string_equal(log_caught(),
	    "postern-test: warning: odd value=\"x\\x22 ok=1\\x0d\\x0apostern-smtpd: \\x5c \\x1b[2J\\x00\\xc3\\xa9\" "
	    "none=\"\" null=\"\"\n");
}

static void
every_byte_is_harmless(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char one = (char)byte;
		catch_log();
		log_info("byte", log_slice("b", slice_make(&one, 1)));
		const char *line = log_caught();
		size_t len = strlen(line);
		assert_true(len > 0 && line[len - 1] == '\n');
		for (size_t i = 0; i + 1 < len; i++)
			assert_true(line[i] >= ' ' && line[i] <= '~');
	}
}

static void
long_values_and_long_lines_are_cut(void **state)
{
	(void)state;
	char value[600];
	memset(value, '\n', sizeof value);
	struct slice v = slice_make(value, sizeof value);
	catch_log();
	log_info("long", log_slice("a", v), log_slice("b", v), log_slice("c", v));
	const char *line = log_caught();
	assert_non_null(strstr(line, "\\x0a...\" b="));
	assert_int_equal(strlen(line), 4000);
	assert_ptr_equal(strchr(line, '\n'), line + 3999);
}

static void
the_session_is_on_every_line(void **state)
{
	(void)state;
	catch_log();
	log_session("session", "k3f9");
	log_info("one", {.key = NULL});
	log_session(NULL, NULL);
	log_info("two", {.key = NULL});
	assert_string_equal(log_caught(), "postern-test: info: one session=k3f9\npostern-test: info: two\n");
}

static void
the_level_and_errno_are_kept(void **state)
{
	(void)state;
	catch_log();
	log_event(LOG_DEBUG, "unseen", {.key = NULL});
	log_set_level(LOG_ERROR);
	log_warning("unseen", {.key = NULL});
	log_set_level(LOG_INFO);
	errno = ENOSPC;
	log_info("seen", log_errno());
	int after = errno;
	assert_string_equal(log_caught(), "postern-test: info: seen reason=\"No space left on device\"\n");
	assert_int_equal(after, ENOSPC);
}

static void
a_log_that_is_gone_hurts_nobody(void **state)
{
	(void)state;
	int saved = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	errno = EINTR;
	log_error("nobody", log_text("hears", "this"));
	int after = errno;
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(after, EINTR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_event_is_one_line_of_keys_and_values),
	    cmocka_unit_test(hostile_values_stay_within_their_quotes),
	    cmocka_unit_test(every_byte_is_harmless),
	    cmocka_unit_test(long_values_and_long_lines_are_cut),
	    cmocka_unit_test(the_session_is_on_every_line),
	    cmocka_unit_test(the_level_and_errno_are_kept),
	    cmocka_unit_test(a_log_that_is_gone_hurts_nobody),
	};
	return cmocka_run_group_tests_name("base log", tests, NULL, NULL);
}
