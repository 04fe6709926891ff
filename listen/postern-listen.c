/*
 * postern-listen: starts a program for each TCP connection.
 *
 * Who runs it:  a supervisor, as root or as the user that the program is to have: s6-envuidgid or chpst -U name it in
 *               UID and GID.
 * Reads:        nothing of the network and no file. Arguments, UID and GID.
 * Gives:        the connection as descriptors 0 and 1, and TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT and
 *               PROTO, as tcpserver does. Any other launcher will do in its place (tcpserver with tcprules or rblsmtpd,
 *               s6-tcpserver, inetd, systemd); this one is here because a start by vfork costs a third of one by fork,
 *               and a start is most of what a short conversation costs.
 * Listens on:   one address and port, before it becomes its user.
 * Confinement:  its user. No filter, which its programs would inherit and could not begin with, and not no_new_privs,
 *               under which postern-lmtpd could not start the setuid postern-deliver: each program sets its own.
 * Exit codes:   100 wrong arguments; 111 the address cannot be listened on.
 * A full compromise of it yields: all connections of that port to come. It reads none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/ip.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/base/program.h"

#define BACKLOG 1024

static const struct program program = {
	.name = "postern-listen",
	.user = "the program's",
	.usage = "LIMIT ADDRESS PORT PROGRAM [ARGUMENT]...",
	.help = "Starts PROGRAM for each connection to ADDRESS (\"0\": all of IPv4, \"::\": all) and PORT, with the connection on\n"
		"descriptors 0 and 1; at most LIMIT at a time, others wait. UID and GID in the environment (s6-envuidgid,\n"
		"chpst -U) say whom it becomes once it listens.",
};

union address {
	struct sockaddr     any;
	struct sockaddr_in  v4;
	struct sockaddr_in6 v6;
};

struct task {
	const char *address;
	uint64_t    port, limit;
	char      **program;
	uint64_t    running;
};

static socklen_t
make_address(const struct task *t, union address *a)
{
	struct ip ip;
	*a = (union address){.v6 = {.sin6_family = AF_INET6}};
	if (strcmp(t->address, "0") != 0 && !ip_parse(&ip, slice_of(t->address)))
		return 0;
	if (strcmp(t->address, "0") != 0 && ip.len == 16) {
		a->v6.sin6_port = htons((uint16_t)t->port);
		memcpy(&a->v6.sin6_addr, ip.bytes, 16);
		return sizeof a->v6;
	}
	a->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)t->port)};
	if (strcmp(t->address, "0") != 0)
		memcpy(&a->v4.sin_addr, ip.bytes, 4);
	return sizeof a->v4;
}

static int
listen_on(const struct task *t)
{
	union address a;
	socklen_t len = make_address(t, &a);
	if (len == 0)
		program_usage(&program);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 && /* connections inherit it */
	    bind(fd, &a.any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	log_error("listen-failed", log_text("address", t->address), log_number("port", (int64_t)t->port), log_errno(),
	    log_text("hint", "does another program listen there?"));
	exit(EXIT_TEMPORARY);
}

/* UID and GID of the environment; a program that is not root stays who it is. */
static void
become_user(void)
{
	const char *uid = getenv("UID"), *gid = getenv("GID");
	uint64_t user, group;
	if (geteuid() != 0)
		return;
	if (uid == NULL || gid == NULL || !number_parse(slice_of(uid), UINT32_MAX, &user) || user == 0 ||
	    !number_parse(slice_of(gid), UINT32_MAX, &group) || group == 0) {
		log_error("no-user", log_text("hint", "start it by s6-envuidgid USER or chpst -U USER; as root nothing is started"));
		exit(EXIT_MISUSE);
	}
	gid_t one = (gid_t)group;
	if (setgroups(1, &one) == 0 && setgid(one) == 0 && setuid((uid_t)user) == 0)
		return;
	log_error("user-failed", log_errno());
	exit(EXIT_TEMPORARY);
}

/* What the launchers' protocol may say of a client and this one does not: what stood there before is of no client of ours. */
static void
forget_clients(void)
{
	static const char *const names[] = {"TCPREMOTEHOST", "TCPREMOTEINFO", "TCPLOCALHOST"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

enum fact { PROTO, REMOTE_IP, REMOTE_PORT, LOCAL_IP, LOCAL_PORT, FACTS };

/* The environment's own memory: setenv(3) of glibc keeps each value for ever, and there are as many as clients. */
static bool
set_fact(enum fact fact, const char *value)
{
	static const char *const names[FACTS] = {"PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT"};
	static char texts[FACTS][sizeof "TCPREMOTEPORT=" + INET6_ADDRSTRLEN];
	snprintf(texts[fact], sizeof texts[fact], "%s=%s", names[fact], value);
	return putenv(texts[fact]) == 0;
}

/* An address of IPv4 that came through a socket of IPv6 is one of IPv4. */
static bool
set_end(enum fact ip_fact, enum fact port_fact, const union address *a)
{
	char text[INET6_ADDRSTRLEN], port[8];
	bool v4 = a->any.sa_family == AF_INET;
	struct ip ip = v4 ? ip_of(&a->v4.sin_addr, 4) : ip_of(&a->v6.sin6_addr, 16);
	snprintf(port, sizeof port, "%u", ntohs(v4 ? a->v4.sin_port : a->v6.sin6_port));
	return inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.bytes, text, sizeof text) != NULL &&
	    set_fact(PROTO, ip.len == 4 ? "TCP" : "TCP6") && set_fact(ip_fact, text) && set_fact(port_fact, port);
}

static bool
describe(int connection, const union address *peer)
{
	union address own = {.v6 = {.sin6_family = AF_INET6}};
	socklen_t len = sizeof own;
	return getsockname(connection, &own.any, &len) == 0 && set_end(LOCAL_IP, LOCAL_PORT, &own) &&
	    set_end(REMOTE_IP, REMOTE_PORT, peer);
}

/* posix_spawn(3) is by vfork: the program's memory is never copied. */
static void
start(struct task *t, int connection)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return;
	if ((error = posix_spawn_file_actions_adddup2(&actions, connection, STDIN_FILENO)) == 0 &&
	    (error = posix_spawn_file_actions_adddup2(&actions, connection, STDOUT_FILENO)) == 0)
		error = posix_spawnp(&pid, t->program[0], &actions, NULL, t->program, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error == 0)
		t->running++;
	else
		log_error("program-not-started", log_text("program", t->program[0]), log_text("reason", strerror(error)));
}

/* Nobody else sees that one was ended by a signal: for a forbidden call, or by a mistake of ours. */
static void
note_end(struct task *t, pid_t child, int status)
{
	t->running--;
	if (WIFSIGNALED(status))
		log_warning("connection-died", log_number("pid", child), log_number("signal", WTERMSIG(status)));
}

/* At the limit the next end is waited for; else what has ended is taken note of. */
static void
note_ends(struct task *t)
{
	int status;
	pid_t child;
	while (t->running > 0 && (child = waitpid(-1, &status, t->running >= t->limit ? 0 : WNOHANG)) > 0)
		note_end(t, child, status);
}

/* One that has gone before it was accepted is no reason to end; nor is a lack of memory or descriptors, which passes. */
static void
accept_failed(void)
{
	if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
		return;
	log_error("accept-failed", log_errno());
	sleep(1);
}

static _Noreturn void
serve(struct task *t, int listening)
{
	for (;;) {
		union address peer = {.v6 = {.sin6_family = AF_INET6}};
		socklen_t len = sizeof peer;
		note_ends(t);
		int connection = accept4(listening, &peer.any, &len, SOCK_CLOEXEC);
		if (connection < 0) {
			accept_failed();
			continue;
		}
		if (describe(connection, &peer))
			start(t, connection);
		close(connection);
	}
}

/* accept(2) returns when a program ends, so that it does not stay until the next connection. */
static void
ended(int number)
{
	(void)number;
}

int
main(int argc, char **argv)
{
	struct task t = {.running = 0};
	struct sigaction action = {.sa_handler = ended};
	int at = program_begin(&program, argc, argv);
	if (argc < at + 4 || !number_parse(slice_of(argv[at]), 100000, &t.limit) || t.limit == 0 ||
	    !number_parse(slice_of(argv[at + 2]), 65535, &t.port))
		program_usage(&program);
	t.address = argv[at + 1];
	t.program = argv + at + 3;
	int listening = listen_on(&t);
	become_user();
	forget_clients();
	sigaction(SIGCHLD, &action, NULL);
	serve(&t, listening);
}
