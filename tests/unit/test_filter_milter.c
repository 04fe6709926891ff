/* The mail server's side of the milter protocol against a filter that does not come to an end. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/filter/milter.h"

static const char options[] = "\0\0\0\015O\0\0\0\006\0\0\1\377\0\0\0\0";
static const char progress[] = "\0\0\0\1p";
static const char body[] = "\0\0\0\1b"; /* a piece of a new body, without a byte in it */

/* Agrees, and then says the same again and again. */
static _Noreturn void
be_filter(int fd, const char *packet, size_t len)
{
	char bytes[4096];
	bool well = read(fd, bytes, sizeof bytes) > 0 && write(fd, options, sizeof options - 1) == sizeof options - 1 &&
	    read(fd, bytes, sizeof bytes) > 0;
	while (well && send(fd, packet, len, MSG_NOSIGNAL) == (ssize_t)len)
		;
	_exit(0);
}

static struct slice
no_macro(void *context, struct slice name)
{
	(void)context, (void)name;
	return slice_of("");
}

static bool
take_all(void *context, char kind, struct slice data)
{
	(void)context, (void)kind, (void)data;
	return true;
}

static void
hear(const char *packet, size_t len)
{
	static struct milter m;
	int ends[2];
	memset(&m, 0, sizeof m);
	m.command_ms = 10000;
	m.macro = no_macro;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t filter = fork();
	if (filter == 0) {
		close(ends[0]);
		alarm(30);
		be_filter(ends[1], packet, len);
	}
	close(ends[1]);
	assert_true(milter_begin(&m, ends[0]));
	m.content_ms = 300; /* of which the other process may be kept waiting */
	alarm(20);
	assert_int_equal(milter_end(&m, take_all, NULL), MILTER_BROKEN);
	alarm(0);
	assert_string_equal(m.trouble, "it is at work without an end");
	close(ends[0]);
	waitpid(filter, NULL, 0);
	milter_free(&m);
}

static void
test_work_without_an_end(void **state)
{
	(void)state;
	hear(progress, sizeof progress - 1);
}

/* Each packet is well, and none of them adds up to anything that has a bound. */
static void
test_changes_without_an_end(void **state)
{
	(void)state;
	hear(body, sizeof body - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_work_without_an_end),
	    cmocka_unit_test(test_changes_without_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
