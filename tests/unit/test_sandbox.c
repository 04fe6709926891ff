/* lib/sandbox: what a confined process may still do, tried in a child each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sandbox/sandbox.h"

static const struct sandbox_path read_tmp[] = {{.path = "/tmp"}};
static const struct sandbox_path write_tmp[] = {{.path = "/tmp", .write = true}};

/* Runs `what` confined in a child. Its exit code, or 256 + the signal that killed it. */
static int
confined(unsigned calls, const struct sandbox_path *paths, size_t count, int (*what)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		struct contract c = {.calls = calls};
		if (!sandbox_enter(&c, paths, count))
			_exit(99);
		_exit(what());
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
compute(void)
{
	char *p = malloc(1000000);
	int ok = p != NULL && write(STDERR_FILENO, "", 0) == 0;
	free(p);
	return ok ? 0 : 1;
}

static int
execute(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
open_for_reading(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
}

static int
open_tmp_for_reading(void)
{
	return open("/tmp", O_RDONLY) < 0 ? errno : 0;
}

static int
create_in_tmp(void)
{
	int fd = open("/tmp/postern-test-sandbox", O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return errno;
	return unlink("/tmp/postern-test-sandbox") == 0 ? 0 : errno;
}

static int
create_elsewhere(void)
{
	return open("/var/tmp/postern-test-sandbox", O_WRONLY | O_CREAT, 0600) < 0 ? errno : 0;
}

static int
start_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

static int
unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
internet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

#define KILLED (256 + SIGSYS)

static void
memory_and_writing_to_open_descriptors_stay(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, compute), 0);
}

static void
execve_kills(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC | CALLS_MESSAGES, NULL, 0, execute), KILLED);
	assert_int_equal(confined(CALLS_BASIC | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_FORK, read_tmp, 1, execute), KILLED);
}

static void
opening_for_writing_kills_without_its_group(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, create_in_tmp), KILLED);
	assert_int_equal(confined(CALLS_BASIC | CALLS_READ_FILES, read_tmp, 1, create_in_tmp), KILLED);
}

static void
opening_for_reading_fails_without_its_group(void **state)
{
	(void)state;
#ifndef POSTERN_SANITIZE /* its run-time reads files by itself */
	assert_int_equal(confined(CALLS_BASIC, read_tmp, 1, open_tmp_for_reading), EACCES);
#endif
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, open_for_reading), EACCES);
}

static void
landlock_leaves_only_the_given_paths(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC | CALLS_READ_FILES, read_tmp, 1, open_tmp_for_reading), 0);
	assert_int_equal(confined(CALLS_BASIC | CALLS_READ_FILES, read_tmp, 1, open_for_reading), EACCES);
	assert_int_equal(confined(CALLS_BASIC | CALLS_WRITE_FILES, write_tmp, 1, create_in_tmp), 0);
	assert_int_equal(confined(CALLS_BASIC | CALLS_WRITE_FILES, read_tmp, 1, create_in_tmp), EACCES);
	assert_int_equal(confined(CALLS_BASIC | CALLS_WRITE_FILES, write_tmp, 1, create_elsewhere), EACCES);
}

static void
processes_need_their_group(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, start_process), KILLED);
	assert_int_equal(confined(CALLS_BASIC | CALLS_FORK, NULL, 0, start_process), 0);
}

static void
sockets_need_the_group_of_their_family(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC | CALLS_MESSAGES, NULL, 0, unix_socket), KILLED);
	assert_int_equal(confined(CALLS_BASIC | CALLS_CONNECT, NULL, 0, unix_socket), 0);
	assert_int_equal(confined(CALLS_BASIC | CALLS_CONNECT, NULL, 0, internet_socket), KILLED);
	assert_int_equal(confined(CALLS_BASIC | CALLS_INTERNET, NULL, 0, internet_socket), 0);
}

static void
executable_memory_kills(void **state)
{
	(void)state;
#ifdef POSTERN_SANITIZE
	skip(); /* the sanitizers' run-time maps as it likes */
#endif
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, executable_memory), KILLED);
}

static unsigned child_calls;
static int (*child_does)(void);

/* Forks a child, confines it further, and says how `child_does` ended in it. */
static int
confine_a_child(void)
{
	int status = confined(child_calls, read_tmp, 1, child_does);
	return status == KILLED ? 77 : status;
}

static int
confined_twice(unsigned parent, unsigned child, int (*what)(void))
{
	child_calls = child;
	child_does = what;
	return confined(parent, read_tmp, 1, confine_a_child);
}

static int
signal_another(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ? 0 : errno;
}

static int
signal_itself(void)
{
	return syscall(SYS_tgkill, getpid(), getpid(), 0) == 0 ? 0 : errno;
}

/* A descriptor that becomes ready would signal whom it is said to belong to. */
static int
own_a_descriptor(void)
{
	return fcntl(STDERR_FILENO, F_SETOWN, getppid()) == 0 ? 0 : errno;
}

static void
a_process_without_children_signals_nobody_else(void **state)
{
	(void)state;
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, signal_itself), 0);
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, signal_another), KILLED);
	assert_int_equal(confined(CALLS_BASIC, NULL, 0, own_a_descriptor), EPERM);
	assert_int_equal(confined_twice(CALLS_BASIC | CALLS_FORK | CALLS_READ_FILES, CALLS_BASIC, signal_itself), 0);
	assert_int_equal(confined_twice(CALLS_BASIC | CALLS_FORK | CALLS_READ_FILES, CALLS_BASIC, signal_another), 77);
}

static void
a_child_is_confined_further_than_its_parent(void **state)
{
	(void)state;
	unsigned parent = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_FORK | CALLS_READ_FILES;
	assert_int_equal(confined_twice(parent, CALLS_BASIC, compute), 0);
	assert_int_equal(confined_twice(parent, CALLS_BASIC | CALLS_READ_FILES, open_tmp_for_reading), 0);
	assert_int_equal(confined_twice(parent, CALLS_BASIC | CALLS_CONNECT, unix_socket), 0);
	assert_int_equal(confined_twice(parent, CALLS_BASIC, unix_socket), 77);
	assert_int_equal(confined_twice(parent, CALLS_BASIC, start_process), 77);
	assert_int_equal(confined_twice(parent, CALLS_BASIC | CALLS_READ_FILES, create_in_tmp), 77);
	assert_int_equal(confined_twice(parent, CALLS_BASIC | CALLS_INTERNET, internet_socket), 77);
	assert_int_equal(confined_twice(parent, CALLS_BASIC | CALLS_EXEC, execute), 77);
#ifndef POSTERN_SANITIZE
	assert_int_equal(confined_twice(parent, CALLS_BASIC, open_tmp_for_reading), EACCES);
	assert_int_equal(confined_twice(parent, CALLS_BASIC, executable_memory), 77);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_and_writing_to_open_descriptors_stay),
	    cmocka_unit_test(execve_kills),
	    cmocka_unit_test(opening_for_writing_kills_without_its_group),
	    cmocka_unit_test(opening_for_reading_fails_without_its_group),
	    cmocka_unit_test(landlock_leaves_only_the_given_paths),
	    cmocka_unit_test(processes_need_their_group),
	    cmocka_unit_test(sockets_need_the_group_of_their_family),
	    cmocka_unit_test(a_process_without_children_signals_nobody_else),
	    cmocka_unit_test(executable_memory_kills),
	    cmocka_unit_test(a_child_is_confined_further_than_its_parent),
	};
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
