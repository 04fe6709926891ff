/* lib/base/stream: one-byte reads, blocked writes, deadlines, on sockets and pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/stream.h"

static struct input  in;
static struct output out;
static int           ends[2];

static int
make_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int
close_pair(void **state)
{
	(void)state;
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

static void
send_text(const char *text)
{
	assert_int_equal(send(ends[1], text, strlen(text), 0), strlen(text));
}

/* A child that writes byte by byte, each as a packet of its own. */
static pid_t
start_dripping(const char *text, size_t len)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child > 0) {
		close(ends[1]);
		ends[1] = -1;
		return child;
	}
	close(ends[0]);
	for (size_t i = 0; i < len; i++) {
		if (write(ends[1], text + i, 1) != 1)
			_exit(1);
		poll(NULL, 0, 1);
	}
	_exit(0);
}

/* The wait for a whole line is bounded, however often a byte comes; more may be given. */
static void
a_budget_is_used_up_by_waiting(void **state)
{
	(void)state;
	static char text[2000];
	memset(text, 'x', sizeof text);
	pid_t child = start_dripping(text, sizeof text);
	struct slice line;
	input_open(&in, ends[0], 5000);
	in.budget = 100;
	assert_int_equal(input_line(&in, 4000, &line), INPUT_TIMEOUT);
	assert_int_equal(in.budget, 0);
	assert_true(input_buffered(&in).len > 0 && input_buffered(&in).len < sizeof text);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void
what_is_there_costs_no_budget(void **state)
{
	(void)state;
	struct slice line;
	input_open(&in, ends[0], 5000);
	in.budget = 0;
	send_text("one\r\n");
	assert_int_equal(input_line(&in, 100, &line), INPUT_OK);
	assert_int_equal(input_line(&in, 100, &line), INPUT_TIMEOUT);
}

static void
lines_come_byte_by_byte(void **state)
{
	(void)state;
	static const char text[] = "one\r\n\ntwo\0x\nrest";
	pid_t child = start_dripping(text, sizeof text - 1);
	struct slice line;
	input_open(&in, ends[0], 5000);
	assert_int_equal(input_line(&in, 100, &line), INPUT_OK);
	assert_true(slice_is(line, "one\r\n"));
	assert_int_equal(input_line(&in, 100, &line), INPUT_OK);
	assert_true(slice_is(line, "\n"));
	assert_int_equal(input_line(&in, 100, &line), INPUT_OK);
	assert_true(slice_equal(line, slice_make("two\0x\n", 6)));
	assert_int_equal(input_line(&in, 100, &line), INPUT_END);
	assert_true(slice_is(input_buffered(&in), "rest"));
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
a_line_may_be_as_long_as_asked_and_no_longer(void **state)
{
	(void)state;
	struct slice line;
	input_open(&in, ends[0], 1000);
	send_text("12345\n123456\n");
	assert_int_equal(input_line(&in, 6, &line), INPUT_OK);
	assert_true(slice_is(line, "12345\n"));
	assert_int_equal(input_line(&in, 6, &line), INPUT_TOO_LONG);
	/* It is still there, for who wants to skip it. */
	assert_int_equal(input_some(&in, 6, &line), INPUT_OK);
	assert_true(slice_is(line, "123456"));
	assert_int_equal(input_line(&in, 6, &line), INPUT_OK);
	assert_true(slice_is(line, "\n"));
}

static void
lines_move_through_the_whole_buffer(void **state)
{
	(void)state;
	/* Lines of 1,000 bytes end at every place relative to the buffer's end. */
	enum { LINES = 100, LENGTH = 1000 };
	char *text = malloc(LINES * LENGTH);
	assert_non_null(text);
	for (int i = 0; i < LINES; i++) {
		memset(text + i * LENGTH, 'a' + i % 26, LENGTH);
		text[(i + 1) * LENGTH - 1] = '\n';
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(write(ends[1], text, LINES * LENGTH) != LINES * LENGTH);
	input_open(&in, ends[0], 5000);
	for (int i = 0; i < LINES; i++) {
		struct slice line;
		assert_int_equal(input_line(&in, LENGTH, &line), INPUT_OK);
		assert_true(slice_equal(line, slice_make(text + i * LENGTH, LENGTH)));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	free(text);
}

static void
a_full_buffer_is_said(void **state)
{
	(void)state;
	char block[1024];
	struct slice line;
	memset(block, 'x', sizeof block);
	input_open(&in, ends[0], 1000);
	for (size_t i = 0; i <= STREAM_BUFFER / sizeof block; i++)
		assert_int_equal(send(ends[1], block, sizeof block, 0), sizeof block);
	assert_int_equal(input_line(&in, STREAM_BUFFER, &line), INPUT_TOO_LONG);
	assert_int_equal(input_buffered(&in).len, STREAM_BUFFER);
	assert_int_equal(input_fill(&in), INPUT_TOO_LONG);
	input_take(&in, 10);
	assert_int_equal(input_fill(&in), INPUT_OK);
	assert_int_equal(input_buffered(&in).len, STREAM_BUFFER);
}

static void
silence_ends_with_a_timeout(void **state)
{
	(void)state;
	struct slice line;
	input_open(&in, ends[0], 30);
	send_text("half a li");
	int64_t begun = clock_ms();
	assert_int_equal(input_line(&in, 100, &line), INPUT_TIMEOUT);
	assert_true(clock_ms() - begun >= 29);
	send_text("ne\n");
	assert_int_equal(input_line(&in, 100, &line), INPUT_OK);
	assert_true(slice_is(line, "half a line\n"));
}

static void
a_descriptor_that_does_not_block_is_waited_for(void **state)
{
	(void)state;
	struct slice some;
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	input_open(&in, ends[0], 20);
	assert_int_equal(input_some(&in, 10, &some), INPUT_TIMEOUT);
	send_text("abc");
	assert_int_equal(input_some(&in, 2, &some), INPUT_OK);
	assert_true(slice_is(some, "ab"));
	assert_int_equal(input_some(&in, 2, &some), INPUT_OK);
	assert_true(slice_is(some, "c"));
}

static int flushes;

static void
count_flush(void *context)
{
	*(int *)context += 1;
}

static void
before_a_wait_the_peer_gets_what_he_waits_for(void **state)
{
	(void)state;
	struct slice line;
	input_open(&in, ends[0], 20);
	in.before_wait = count_flush;
	in.context = &flushes;
	send_text("a\nb\n");
	assert_int_equal(input_line(&in, 10, &line), INPUT_OK);
	assert_int_equal(flushes, 1);
	assert_int_equal(input_line(&in, 10, &line), INPUT_OK);
	assert_int_equal(flushes, 1); /* it was buffered: no wait */
	assert_int_equal(input_line(&in, 10, &line), INPUT_TIMEOUT);
	assert_int_equal(flushes, 2);
}

/* Writes more than any buffer holds while a child reads slowly; the child checks each byte. */
static void
write_to_slow_reader(int write_end, int read_end)
{
	enum { TOTAL = 600000 };
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		unsigned char block[5000];
		size_t got = 0;
		close(write_end);
		for (ssize_t n; (n = read(read_end, block, sizeof block)) > 0;) {
			for (ssize_t i = 0; i < n; i++, got++)
				if (block[i] != got % 251)
					_exit(1);
			poll(NULL, 0, 1);
		}
		_exit(got != TOTAL);
	}
	close(read_end);
	output_open(&out, write_end, 5000);
	for (size_t i = 0; i < TOTAL; i++) {
		char byte = (char)(i % 251);
		output_write(&out, &byte, 1);
	}
	assert_true(output_flush(&out));
	close(write_end);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
writes_wait_for_a_slow_reader(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	write_to_slow_reader(fds[0], fds[1]);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	write_to_slow_reader(fds[1], fds[0]);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	write_to_slow_reader(fds[1], fds[0]);
}

/* Nobody reads: each kind of descriptor must give up in time. */
static void
fill_until_it_fails(int fd)
{
	char block[4000];
	memset(block, 'x', sizeof block);
	output_open(&out, fd, 40);
	int64_t begun = clock_ms();
	for (int i = 0; i < 2000 && !out.failed; i++)
		output_write(&out, block, sizeof block);
	assert_true(out.failed);
	assert_true(clock_ms() - begun < 5000);
	output_text(&out, "more");
	assert_false(output_flush(&out));
}

static void
a_blocked_write_ends_with_a_failure(void **state)
{
	(void)state;
	int fds[2];
	fill_until_it_fails(ends[0]);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	alarm(20); /* a write that blocks for ever fails here */
	fill_until_it_fails(fds[1]);
	alarm(0);
	close(fds[0]);
	close(fds[1]);
}

static void
a_peer_that_is_gone_is_a_failure_and_no_signal(void **state)
{
	(void)state;
	close(ends[1]);
	ends[1] = -1;
	output_open(&out, ends[0], 1000);
	output_text(&out, "hello");
	assert_false(output_flush(&out));
	input_open(&in, ends[0], 1000);
	assert_int_equal(input_fill(&in), INPUT_END);
}

static void
connect_by_tcp(int fds[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&address, len), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(listener);
}

/* Buffers on the way wait for what follows them, the last one for nothing: however full it is, TCP has sent all of it. */
static void
a_flush_leaves_nothing_behind(void **state)
{
	static const char bytes[2 * STREAM_BUFFER + 1];
	static char got[sizeof bytes];
	(void)state;
	const size_t sizes[] = {1, STREAM_BUFFER - 1, STREAM_BUFFER, STREAM_BUFFER + 1, 2 * STREAM_BUFFER, sizeof bytes};
	int fds[2];
	connect_by_tcp(fds);
	output_open(&out, fds[0], 1000);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int unsent = -1;
		output_write(&out, bytes, sizes[i]);
		assert_true(output_flush(&out));
		assert_int_equal(ioctl(fds[0], SIOCOUTQNSD, &unsent), 0);
		assert_int_equal(unsent, 0);
		assert_int_equal(recv(fds[1], got, sizes[i], MSG_WAITALL), sizes[i]);
	}
	close(fds[0]);
	close(fds[1]);
}

static void
formatted_output_is_whole_or_fails(void **state)
{
	(void)state;
	char got[64] = "", large[3000];
	output_open(&out, ends[0], 1000);
	output_format(&out, "%d %s ", 250, "ok");
	output_slice(&out, slice_of("x\r\n"));
	assert_true(output_flush(&out));
	assert_int_equal(read(ends[1], got, sizeof got - 1), 10);
	assert_string_equal(got, "250 ok x\r\n");
	memset(large, 'x', sizeof large);
	large[sizeof large - 1] = '\0';
	output_format(&out, "%s", large);
	assert_false(output_flush(&out));
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(lines_come_byte_by_byte, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(a_budget_is_used_up_by_waiting, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(what_is_there_costs_no_budget, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(a_line_may_be_as_long_as_asked_and_no_longer, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(lines_move_through_the_whole_buffer, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(a_full_buffer_is_said, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(silence_ends_with_a_timeout, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(a_descriptor_that_does_not_block_is_waited_for, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(before_a_wait_the_peer_gets_what_he_waits_for, make_pair, close_pair),
	    cmocka_unit_test(writes_wait_for_a_slow_reader),
	    cmocka_unit_test_setup_teardown(a_blocked_write_ends_with_a_failure, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(a_peer_that_is_gone_is_a_failure_and_no_signal, make_pair, close_pair),
	    cmocka_unit_test(a_flush_leaves_nothing_behind),
	    cmocka_unit_test_setup_teardown(formatted_output_is_whole_or_fails, make_pair, close_pair),
	};
	return cmocka_run_group_tests_name("base stream", tests, NULL, NULL);
}
