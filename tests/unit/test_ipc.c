/* lib/ipc: packets, the event loop, services, clients and pools, over real sockets and processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/ipc/client.h"
#include "lib/ipc/pool.h"
#include "lib/ipc/server.h"
#include "lib/sandbox/sandbox.h"

static struct packet p, q;
static char          directory[] = "/tmp/postern-test-ipc-XXXXXX";

static int
make_run_directory(void **state)
{
	(void)state;
	socket_run_directory = mkdtemp(directory);
	return socket_run_directory == NULL;
}

static int
remove_run_directory(void **state)
{
	(void)state;
	char path[128];
	snprintf(path, sizeof path, "%s/echo", directory);
	unlink(path);
	return rmdir(directory);
}

/* --- packets -------------------------------------------------------------- */

static void
fields_come_out_as_they_went_in(void **state)
{
	(void)state;
	int pair[2];
	assert_true(socket_pair(pair));
	packet_begin(&p, "rcpt");
	packet_add_text(&p, "tag");
	packet_add(&p, slice_of(""));
	packet_add_number(&p, UINT64_MAX);
	packet_add_rest(&p, slice_make("a\0b", 3));
	assert_int_equal(packet_send(pair[0], &p), PACKET_OK);
	assert_int_equal(packet_receive(pair[1], &q), PACKET_OK);
	uint64_t number;
	assert_string_equal(packet_verb(&q), "rcpt");
	assert_string_equal(packet_field(&q), "tag");
	assert_string_equal(packet_field(&q), "");
	assert_true(packet_field_number(&q, UINT64_MAX, &number));
	assert_true(number == UINT64_MAX);
	assert_true(slice_equal(packet_rest(&q), slice_make("a\0b", 3)));
	close(pair[0]);
	assert_int_equal(packet_receive(pair[1], &q), PACKET_END);
	close(pair[1]);
}

static void
a_field_without_its_nul_is_no_field(void **state)
{
	(void)state;
	int pair[2];
	assert_true(socket_pair(pair));
	assert_int_equal(send(pair[0], "verb\0cut", 8, 0), 8);
	assert_int_equal(packet_receive(pair[1], &q), PACKET_OK);
	assert_string_equal(packet_verb(&q), "verb");
	assert_null(packet_field(&q));
	assert_int_equal(send(pair[0], "verb", 4, 0), 4);
	assert_int_equal(packet_receive(pair[1], &q), PACKET_OK);
	assert_string_equal(packet_verb(&q), "");
	close(pair[0]);
	close(pair[1]);
}

static void
what_does_not_fit_is_not_sent(void **state)
{
	(void)state;
	static char large[PACKET_MOST];
	packet_begin(&p, "v");
	packet_add(&p, slice_make("nul\0in it", 9));
	assert_int_equal(packet_send(-1, &p), PACKET_BAD);
	packet_begin(&p, "v");
	packet_add_rest(&p, slice_make(large, sizeof large));
	assert_int_equal(packet_send(-1, &p), PACKET_BAD);
}

static void
a_packet_that_is_too_long_is_bad(void **state)
{
	(void)state;
	static char large[PACKET_MOST + 1];
	int pair[2];
	assert_true(socket_pair(pair));
	assert_int_equal(send(pair[0], large, sizeof large, 0), sizeof large);
	assert_int_equal(packet_receive(pair[1], &q), PACKET_BAD);
	close(pair[0]);
	close(pair[1]);
}

static void
descriptors_travel_and_leak_nowhere(void **state)
{
	(void)state;
	int pair[2], before = dup(0);
	close(before);
	assert_true(socket_pair(pair));
	packet_begin(&p, "take");
	for (int i = 0; i < PACKET_DESCRIPTORS; i++)
		packet_add_descriptor(&p, STDIN_FILENO);
	assert_int_equal(packet_send(pair[0], &p), PACKET_OK);
	assert_int_equal(packet_receive(pair[1], &q), PACKET_OK);
	int taken = packet_take_descriptor(&q);
	assert_true(fcntl(taken, F_GETFD) & FD_CLOEXEC);
	close(taken);
	packet_close_descriptors(&q);
	packet_add_descriptor(&p, STDIN_FILENO);
	assert_int_equal(packet_send(pair[0], &p), PACKET_BAD);
	close(pair[0]);
	close(pair[1]);
	int after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void
an_outcome_survives_the_way(void **state)
{
	(void)state;
	struct outcome in = outcome_make("4.2.2", "mailbox %s\nfull", "x"), out;
	packet_begin(&p, "result");
	packet_add_outcome(&p, &in);
	packet_verb(&p);
	assert_true(packet_field_outcome(&p, &out));
	assert_false(out.relayed);
	assert_int_equal(out.class, OUTCOME_TEMPORARY);
	assert_string_equal(out.code, "4.2.2");
	assert_string_equal(out.text, "mailbox x?full");
	in = outcome_done();
	in.relayed = true;
	packet_begin(&p, "result");
	packet_add_outcome(&p, &in);
	packet_verb(&p);
	assert_true(packet_field_outcome(&p, &out) && out.relayed && outcome_is_done(&out));
	packet_begin(&p, "result");
	packet_add_text(&p, "done");
	packet_add_text(&p, "5.0.0");
	packet_add_text(&p, "word and code disagree");
	packet_verb(&p);
	assert_false(packet_field_outcome(&p, &out));
}

/* --- the loop ---------------------------------------------------------------- */

static int order[8], order_count;

#define TIMER_NOTES(number)                                                                              \
	static void note_##number(struct timer *t)                                                       \
	{                                                                                                \
		(void)t;                                                                                 \
		order[order_count++] = number;                                                           \
		if (number == 3)                                                                         \
			loop_stop();                                                                     \
	}
TIMER_NOTES(1)
TIMER_NOTES(2)
TIMER_NOTES(3)
TIMER_NOTES(4)

static void
timers_fire_in_order_and_not_when_cancelled(void **state)
{
	(void)state;
	struct timer one = {.fire = note_1}, two = {.fire = note_2}, three = {.fire = note_3}, four = {.fire = note_4};
	order_count = 0;
	assert_true(loop_begin());
	timer_set(&three, 30);
	timer_set(&two, 10);
	timer_set(&four, 20);
	timer_set(&one, 100000);
	timer_set(&one, 1);
	timer_cancel(&four);
	timer_cancel(&four);
	loop_run();
	assert_int_equal(order_count, 3);
	assert_int_equal(order[0], 1);
	assert_int_equal(order[1], 2);
	assert_int_equal(order[2], 3);
}

static struct watch watch_a, watch_b;
static int          ready_count;

static void
remove_both(struct watch *w, uint32_t events)
{
	(void)w, (void)events;
	ready_count++;
	loop_remove(&watch_a);
	loop_remove(&watch_b);
	loop_stop();
}

static void
a_watch_that_was_removed_in_this_turn_is_not_called(void **state)
{
	(void)state;
	int a[2], b[2];
	assert_true(socket_pair(a) && socket_pair(b) && loop_begin());
	assert_int_equal(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
	watch_a = (struct watch){.fd = a[0], .ready = remove_both};
	watch_b = (struct watch){.fd = b[0], .ready = remove_both};
	ready_count = 0;
	assert_true(loop_add(&watch_a, EPOLLIN) && loop_add(&watch_b, EPOLLIN));
	loop_run();
	assert_int_equal(ready_count, 1);
	for (int i = 0; i < 2; i++)
		close(a[i]), close(b[i]);
}

/* --- a service and its clients ------------------------------------------------ */

static bool
echo(struct connection *c, struct packet *request)
{
	static struct packet out;
	const char *verb = packet_verb(request), *tag = packet_field(request), *text = packet_field(request);
	if (text == NULL || strcmp(verb, "echo") != 0)
		return false;
	if (strcmp(text, "silence") == 0)
		return true;
	packet_begin(&out, "ok");
	packet_add_text(&out, tag);
	packet_add_text(&out, text);
	connection_send(c, &out);
	return true;
}

/* Serves "echo" in a child process as the uid, until it is killed. */
static pid_t
serve(void)
{
	int listening = socket_listen("echo");
	pid_t pid = fork();
	if (pid != 0) {
		close(listening);
		return pid;
	}
	static struct service s = {.name = "echo", .request = echo, .most = 2};
	peers_add(&s.peers, "daemon");
	if (!loop_begin() || !service_start_on(&s, listening))
		_exit(1);
	loop_run();
	_exit(0);
}

static void
raise_limit(struct timer *t)
{
	(void)t;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The same without a descriptor for any connection in its first 300 ms; what it logs goes to `log`. */
static pid_t
serve_without_descriptors(FILE *log)
{
	int listening = socket_listen("echo");
	pid_t pid = fork();
	if (pid != 0) {
		close(listening);
		return pid;
	}
	static struct service s = {.name = "echo", .request = echo};
	static struct timer later = {.fire = raise_limit};
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	dup2(fileno(log), 2);
	if (!loop_begin() || !service_start_on(&s, listening) || !timer_set(&later, 300))
		_exit(1);
	limit.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &limit);
	loop_run();
	_exit(0);
}

static void
stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
a_malformed_packet_ends_that_conversation_only(void **state)
{
	(void)state;
	pid_t pid = serve();
	int good = socket_connect("echo", 1000), bad = socket_connect("echo", 1000);
	packet_begin(&p, "nonsense");
	assert_int_equal(packet_send(bad, &p), PACKET_OK);
	assert_int_equal(packet_receive_wait(bad, &q, 2000), PACKET_END);
	packet_begin(&p, "echo");
	packet_add_text(&p, "7");
	packet_add_text(&p, "hello");
	assert_true(packet_call(good, &p, 2000));
	assert_string_equal(packet_verb(&p), "ok");
	assert_string_equal(packet_field(&p), "7");
	assert_string_equal(packet_field(&p), "hello");
	close(good);
	close(bad);
	stop(pid);
}

static void
a_peer_of_another_user_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	chmod(socket_run_directory, 0755);
	pid_t pid = serve();
	const struct {
		uid_t              uid;
		enum packet_result wanted;
	} cases[] = {{1, PACKET_OK}, {65534, PACKET_END}};
	for (size_t i = 0; i < 2; i++) {
		pid_t child = fork();
		if (child == 0) {
			if (setuid(cases[i].uid) < 0)
				_exit(99);
			int fd = socket_connect("echo", 1000);
			packet_begin(&p, "echo");
			packet_add_text(&p, "1");
			packet_add_text(&p, "hello");
			packet_send(fd, &p);
			_exit((int)packet_receive_wait(fd, &p, 2000));
		}
		int status;
		waitpid(child, &status, 0);
		assert_int_equal(WEXITSTATUS(status), cases[i].wanted);
	}
	stop(pid);
}

static void
without_descriptors_a_connection_waits_and_the_log_is_not_filled(void **state)
{
	(void)state;
	FILE *log = tmpfile();
	char line[256];
	int lines = 0;
	pid_t pid = serve_without_descriptors(log);
	int fd = socket_connect("echo", 1000);
	packet_begin(&p, "echo");
	packet_add_text(&p, "1");
	packet_add_text(&p, "hello");
	assert_true(packet_call(fd, &p, 5000));
	assert_string_equal(packet_verb(&p), "ok");
	stop(pid);
	rewind(log);
	while (fgets(line, sizeof line, log) != NULL)
		lines += strstr(line, "accept-failed") != NULL;
	assert_in_range(lines, 1, 3);
	fclose(log);
	close(fd);
}

static void
more_connections_than_allowed_wait_for_their_turn(void **state)
{
	(void)state;
	pid_t pid = serve();
	int fds[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = socket_connect("echo", 1000);
		packet_begin(&p, "echo");
		packet_add_text(&p, "1");
		packet_add_text(&p, "hello");
		assert_int_equal(packet_send(fds[i], &p), PACKET_OK);
	}
	assert_int_equal(packet_receive_wait(fds[0], &q, 2000), PACKET_OK);
	assert_int_equal(packet_receive_wait(fds[1], &q, 2000), PACKET_OK);
	assert_int_equal(packet_receive_wait(fds[2], &q, 100), PACKET_TIMEOUT);
	close(fds[0]);
	assert_int_equal(packet_receive_wait(fds[2], &q, 2000), PACKET_OK);
	close(fds[1]);
	close(fds[2]);
	stop(pid);
}

static struct client client;
static char          heard[256];
static int           heard_count, wanted_count;

static void
hear(void *context, const char *status, struct packet *answer)
{
	const char *text = status != NULL ? packet_field(answer) : "nothing";
	snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s:%s ", (const char *)context, text);
	if (++heard_count == wanted_count)
		loop_stop();
}

static struct question *
ask(const char *who, const char *text)
{
	client_begin(&client, &p, "echo");
	packet_add_text(&p, text);
	return client_ask(&client, &p, hear, (void *)(uintptr_t)who);
}

static void
begin_client(int questions)
{
	heard[0] = '\0';
	heard_count = 0;
	wanted_count = questions;
	assert_true(loop_begin());
	client = (struct client){.service = "echo", .timeout = 200};
}

static void
answers_find_their_questions(void **state)
{
	(void)state;
	pid_t pid = serve();
	begin_client(3);
	ask("a", "silence");
	ask("b", "two");
	struct question *forgotten = ask("f", "gone");
	client_forget(&client, forgotten);
	ask("c", "three");
	loop_run();
	assert_string_equal(heard, "b:two c:three a:nothing ");
	close(client.watch.fd);
	stop(pid);
}

static void
hear_and_close(void *context, const char *status, struct packet *answer)
{
	hear(context, status, answer);
	client_close(&client);
}

static void
a_closed_client_tells_nobody_and_may_begin_anew(void **state)
{
	(void)state;
	pid_t pid = serve();
	begin_client(2);
	client_begin(&client, &p, "echo");
	packet_add_text(&p, "one");
	client_ask(&client, &p, hear_and_close, (void *)(uintptr_t)"a");
	ask("b", "silence");
	ask("c", "three");
	client_close(&client);
	client_begin(&client, &p, "echo");
	packet_add_text(&p, "four");
	client_ask(&client, &p, hear_and_close, (void *)(uintptr_t)"d");
	ask("e", "silence");
	wanted_count = 1;
	loop_run();
	assert_string_equal(heard, "d:four ");
	assert_false(client.connected);
	wanted_count = 2;
	ask("f", "six");
	loop_run();
	assert_string_equal(heard, "d:four f:six ");
	client_close(&client);
	stop(pid);
}

static int answered;

static void
count_answer(void *context, const char *status, struct packet *answer)
{
	(void)context;
	(void)answer;
	if (status != NULL)
		answered++;
	if (++heard_count == wanted_count)
		loop_stop();
}

static void
thousands_of_questions_at_once_are_all_answered(void **state)
{
	(void)state;
	pid_t pid = serve();
	begin_client(3000);
	client.timeout = 10000;
	for (int i = 0; i < 3000; i++) {
		client_begin(&client, &p, "echo");
		packet_add_text(&p, "a question of some length, so that a socket is soon full of answers that are not taken");
		assert_non_null(client_ask(&client, &p, count_answer, NULL));
	}
	loop_run();
	assert_int_equal(answered, 3000);
	close(client.watch.fd);
	stop(pid);
}

static void
a_service_that_is_away_is_no_answer_and_heals(void **state)
{
	(void)state;
	begin_client(1);
	ask("a", "one");
	loop_run();
	assert_string_equal(heard, "a:nothing ");
	pid_t pid = serve();
	usleep(250000); /* attempts to connect are 200 ms apart */
	begin_client(1);
	ask("b", "two");
	loop_run();
	assert_string_equal(heard, "b:two ");
	stop(pid);
	heard[0] = '\0';
	heard_count = 0;
	ask("c", "three");
	loop_run();
	assert_string_equal(heard, "c:nothing ");
	if (client.connected)
		close(client.watch.fd);
}

static struct timer patience;
static bool         in_time;

static void
ask_again(void *context, const char *status, struct packet *answer)
{
	(void)context, (void)status, (void)answer;
	client_begin(&client, &p, "echo");
	packet_add_text(&p, "again");
	client_ask(&client, &p, ask_again, NULL);
}

static void
enough(struct timer *t)
{
	(void)t;
	in_time = true;
	loop_stop();
}

static void
one_who_asks_again_at_once_does_not_hold_the_loop(void **state)
{
	(void)state;
	begin_client(1);
	client.service = "nobody-listens-here";
	patience.fire = enough;
	timer_set(&patience, 100);
	alarm(5);
	ask_again(NULL, NULL, NULL);
	loop_run();
	alarm(0);
	assert_true(in_time);
	timer_cancel(&client.expiry);
}

/* --- pools ---------------------------------------------------------------------- */

static void
double_numbers(int socket, void *context)
{
	(void)context;
	while (packet_receive_wait(socket, &q, -1) == PACKET_OK) {
		const char *verb = packet_verb(&q);
		if (strcmp(verb, "die") == 0)
			_exit(1);
		if (strcmp(verb, "hang") == 0) {
			/* One that nobody may kill, not the kernel at its parent's end either, must not stay. */
			alarm(2);
			pause();
		}
		packet_begin(&p, "done");
		packet_add_number(&p, (uint64_t)atoi(verb) * 2);
		packet_send_wait(socket, &p, -1);
	}
}

static struct pool pool;
static uint64_t    sum;
static int         lost, finished, jobs;

static bool
add_up(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)context, (void)w;
	uint64_t number = 0;
	if (answer == NULL)
		lost++;
	else
		packet_verb(answer), packet_field_number(answer, UINT64_MAX, &number);
	sum += number;
	if (++finished == jobs)
		loop_stop();
	return true;
}

static void
submit(const char *verb)
{
	packet_begin(&p, verb);
	jobs += pool_submit(&pool, &p, add_up, NULL);
}

static void
jobs_are_done_and_a_dead_worker_is_replaced(void **state)
{
	(void)state;
	assert_true(loop_begin());
	pool = (struct pool){.name = "test", .workers = 2, .most_waiting = 10, .job_timeout = 300, .work = double_numbers};
	assert_true(pool_start(&pool));
	submit("die");
	submit("hang");
	for (int i = 1; i <= 10; i++) {
		char verb[8];
		snprintf(verb, sizeof verb, "%d", i);
		submit(verb);
	}
	submit("1000"); /* the line is full */
	assert_int_equal(jobs, 12);
	loop_run();
	assert_int_equal(lost, 2);
	assert_int_equal(sum, 110);
}

static int64_t told; /* clock_ms() when the job was told lost */

static bool
lose_then_double(void *context, struct pool_worker *w, struct packet *answer)
{
	/* For the worker that takes the place of the one that hangs. */
	if (answer == NULL) {
		told = clock_ms();
		submit("21");
	}
	return add_up(context, w, answer);
}

/* Its exit code is 0 when the loop told of the lost job and went on with the next. */
static void
confine_and_lose_a_worker(void)
{
	static const struct contract c = {.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_FORK};
	pool = (struct pool){.name = "test", .workers = 1, .most_waiting = 10, .job_timeout = 200, .work = double_numbers};
	jobs = finished = lost = 0;
	sum = 0;
	if (!loop_begin() || !pool_start(&pool) || !sandbox_enter(&c, NULL, 0))
		_exit(2);
	int64_t began = clock_ms();
	packet_begin(&p, "hang");
	jobs = pool_submit(&pool, &p, lose_then_double, NULL);
	loop_run();
	/* It hangs for 2 s. */
	_exit(lost == 1 && sum == 42 && told - began < 1500 ? 0 : 1);
}

/* Landlock does not let a process signal one that it forked before it confined itself. */
static void
a_worker_that_may_not_be_killed_does_not_stop_the_loop(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		confine_and_lose_a_worker();
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFSIGNALED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_come_out_as_they_went_in),
	    cmocka_unit_test(a_field_without_its_nul_is_no_field),
	    cmocka_unit_test(what_does_not_fit_is_not_sent),
	    cmocka_unit_test(a_packet_that_is_too_long_is_bad),
	    cmocka_unit_test(descriptors_travel_and_leak_nowhere),
	    cmocka_unit_test(an_outcome_survives_the_way),
	    cmocka_unit_test(timers_fire_in_order_and_not_when_cancelled),
	    cmocka_unit_test(a_watch_that_was_removed_in_this_turn_is_not_called),
	    cmocka_unit_test(a_malformed_packet_ends_that_conversation_only),
	    cmocka_unit_test(a_peer_of_another_user_is_refused),
	    cmocka_unit_test(more_connections_than_allowed_wait_for_their_turn),
	    cmocka_unit_test(answers_find_their_questions),
	    cmocka_unit_test(a_closed_client_tells_nobody_and_may_begin_anew),
	    cmocka_unit_test(thousands_of_questions_at_once_are_all_answered),
	    cmocka_unit_test(a_service_that_is_away_is_no_answer_and_heals),
	    cmocka_unit_test(without_descriptors_a_connection_waits_and_the_log_is_not_filled),
	    cmocka_unit_test(one_who_asks_again_at_once_does_not_hold_the_loop),
	    cmocka_unit_test(jobs_are_done_and_a_dead_worker_is_replaced),
	    cmocka_unit_test(a_worker_that_may_not_be_killed_does_not_stop_the_loop),
	};
	return cmocka_run_group_tests_name("ipc", tests, make_run_directory, remove_run_directory);
}
