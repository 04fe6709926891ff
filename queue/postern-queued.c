/*
 * postern-queued: takes messages in, keeps them durably, plans their delivery.
 *
 * Who runs it: a supervisor, as the user postern-queue.
 * Reads: its settings; the queue directory. Writes: the queue directory, the
 *   log on standard error.
 * Sockets: listens on queue/intake (smtpd), queue/submit, queue/show and
 *   queue/control (every local user; only root and the setting queue_admins may
 *   steer); connects to authd/lookup, remote/send and queue/submit.
 *
 * Processes, each confined by itself:
 *   manager    this program; the plan of deliveries. Contract below.
 *   intake     takes messages from the sockets into files. contracts.c
 *   sync       several; wait for the disk in the intake's place. contracts.c
 *   journal    two; wait for the journal's files in its place. contracts.c
 *   bouncer    writes bounces. contracts.c
 *   viewer     shows what waits, and waits for the disk in the tools' place. contracts.c
 *   spawner    starts deliver workers. NOT confined but for limits: a process
 *              with no_new_privs could not start the setuid postern-deliver. It
 *              is one page (lib/ipc/spawner.c) and takes nothing but the word "spawn".
 *
 * They live and die together: when one of manager, intake, spawner, viewer ends, the
 * manager ends and is started anew. STATES.md says why no message is lost then.
 *
 * Exit codes: 0 told to end; 100 misuse or wrong settings; 111 temporary trouble.
 *
 * A full compromise of the manager yields: reading, changing and losing the
 * mail that waits, and handing mail for delivery; no password, no Maildir (deliver
 * checks every path itself), no connection to other hosts, no program of its choice.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/spawner.h"
#include "lib/sandbox/sandbox.h"
#include "queue/bounce.h"
#include "queue/control_rights.h"
#include "queue/control_view.h"
#include "queue/ended.h"
#include "queue/intake.h"
#include "queue/journal.h"
#include "queue/manager.h"

#define LOCK_PATIENCE 15000 /* ms: what was before may still wait for a disk */

static struct queue_settings settings;
static uint64_t start_number;

static const struct setting table[] = {
    SOCKET_SETTINGS,
    HOST_SETTING,
    {"queue_directory", SETTING_TEXT, "/var/spool/postern/queue", "where messages wait", &settings.directory, 0, 0},
    {"free_space", SETTING_SIZE, "20M", "bytes of the disk that stay free: beyond, no mail is taken", &settings.free_space, 0, 0},
    {"free_inodes", SETTING_NUMBER, "100", "inodes of the disk that stay free, likewise", &settings.free_inodes, 0, UINT64_MAX / 2},
    {"submit_idle", SETTING_SECONDS, "1h", "a local program that hands a message in and then stands still is cut off after it",
        &settings.submit_idle, 1, 365 * 86400},
    {"message_size", SETTING_SIZE, "10240000", "the largest message in bytes", &settings.message_size, 65536,
        UINT64_MAX / 2},
    {"retry_first", SETTING_SECONDS, "5m", "wait before the second attempt; doubled after each", &settings.retry_first, 1, 0},
    {"retry_most", SETTING_SECONDS, "1h", "the longest wait between attempts", &settings.retry_most, 1, 0},
    {"queue_life", SETTING_SECONDS, "5d", "what could not be delivered in this time is returned", &settings.life, 1, 0},
    {"bounce_life", SETTING_SECONDS, "5d", "the same for bounces and other mail of the null sender; what fails ends", &settings.bounce_life, 1, 0},
    {"delay_warning", SETTING_SECONDS, "4h", "who sent what waits so long is told, once; 0: nobody is", &settings.delay_warning, 0, 0},
    {"bounce_size", SETTING_SIZE, "50000", "bytes of a message that is returned whole to who asks for that; of longer ones the header",
        &settings.bounce_size, 0, BOUNCE_RETURNED_MOST},
    {"bounce_template", SETTING_TEXT, "", "file with the words of notifications (default: those that are built in)",
        &settings.bounce_template, 0, 0},
    {"postmaster", SETTING_TEXT, "", "address that is told of bounces that fail and of mail that is held (default: nobody, only the log)",
        &settings.postmaster, 0, 0},
    {"relay_host", SETTING_TEXT, "", "host for all mail to others: HOST, [HOST]:PORT (default: by DNS)",
        &settings.relay_host, 0, 0},
    {"always_bcc", SETTING_TEXT, "", "address that gets a copy of each message (default: nobody)", &settings.always_bcc, 0, 0},
    {"sender_bcc", SETTING_TEXT, "", "postern-authd's: it is asked for copies when one of these four is set", &settings.sender_bcc, 0, 0},
    {"recipient_bcc", SETTING_TEXT, "", "the same", &settings.recipient_bcc, 0, 0},
    {"sql_sender_bcc", SETTING_TEXT, "", "the same", &settings.sql_sender_bcc, 0, 0},
    {"sql_recipient_bcc", SETTING_TEXT, "", "the same", &settings.sql_recipient_bcc, 0, 0},
    {"journal_size", SETTING_SIZE, "16M", "bytes of each of the two files that make small messages durable together (0: none)",
        &settings.journal_size, 0, 1u << 30},
    {"maildir_first", SETTING_SECONDS, "2s", "a message too large for the journal may take so long to its Maildirs before the queue syncs it (0: it is synced at once)",
        &settings.maildir_first, 0, 60},
    {"sync_workers", SETTING_NUMBER, "8", "processes that wait for the disk with messages that do not go through the journal", &settings.sync_workers, 1, 64},
    {"deliver_workers", SETTING_NUMBER, "16", "processes that deliver here", &settings.deliver_workers, 1, 256},
    {"mailbox_concurrency", SETTING_NUMBER, "16", "local deliveries to one address at a time", &settings.mailbox_concurrency, 1, 256},
    {"remote_concurrency", SETTING_NUMBER, "50", "deliveries to other hosts at a time", &settings.remote_concurrency, 1, 500},
    {"destination_concurrency_first", SETTING_NUMBER, "5", "of these to one destination, in the beginning", &settings.destination_first, 1, 500},
    {"destination_concurrency_most", SETTING_NUMBER, "20", "and at most, when all goes well", &settings.destination_most, 1, 500},
    {"destination_failures", SETTING_NUMBER, "3", "failures of a host in a row, after which it is left in peace", &settings.destination_failures, 1, 1000},
    {"destination_pause", SETTING_SECONDS, "4m", "for so long, but never longer than retry_first", &settings.destination_pause, 0, 86400},
    {"queue_list", SETTING_TEXT, "everyone", "who may look at the queue: everyone, or root (and queue_admins)", &settings.queue_list, 0, 0},
    {"queue_admins", SETTING_TEXT, "", "users of this machine who may steer the queue as root may, with spaces between",
        &settings.queue_admins, 0, 0},
    {"active_messages", SETTING_NUMBER, "1000", "messages at work at a time; others wait on the disk",
        &settings.active_most, 1, 2000},
    {"active_memory", SETTING_SIZE, "64M", "bytes of memory for their recipients; half of it for messages with very many", &settings.active_memory, 1u << 20, 512u << 20},
};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_FORK,
    .memory = 1024u << 20,
    .descriptors = 8192,
    .processes = 4,
    .reaches = "the queue directory; the run directory, for connecting",
    .sockets = "listens: queue/intake queue/submit queue/show queue/control; connects: authd/lookup remote/send queue/submit",
    .compromise = "reading, changing and losing the mail that waits; no password, no Maildir, no other host",
};

static const struct program program = {
    .name = "postern-queued",
    .user = "postern-queue",
    .usage = "[--help | --version | --settings | --contract | --check]",
    .help = "The queue of Postern: takes messages over queue/intake and queue/submit, makes them\n"
            "durable, and has them delivered by postern-deliver and postern-remote.\n"
            "A supervisor runs it. --check says whether the file of the setting bounce_template\n"
            "is right, and exits with 0 or 100.",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

/* The other end of each pair is closed at once, so that an end of either side is noticed. */
static int
start_child(void (*run)(int socket), const int *forget, pid_t *pid)
{
	int pair[2];
	if (!socket_pair(pair))
		return -1;
	*pid = fork();
	if (*pid == 0) {
		close(pair[0]);
		for (; *forget >= 0; forget++)
			close(*forget);
		run(pair[1]);
		_exit(EXIT_TEMPORARY);
	}
	close(pair[1]);
	if (*pid > 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

static void
run_spawner(int socket)
{
	/* Neither the lock, which would outlive us in workers, nor any file of the queue. */
	queue_directory_close(&manager.directory);
	spawner_run(socket);
}

/* It notices itself that the manager is gone, and then makes an end of what it has begun. */
static void
run_intake(int socket)
{
	intake_run(socket, &manager.directory, &settings, start_number);
}

static void
run_viewer(int socket)
{
	view_run(socket, &manager.directory);
}

static void
read_settings(void)
{
	program_settings(&program);
	settings.hostname = host_name();
	manager.settings = &settings;
}

static void
confine(void)
{
	struct sandbox_path paths[] = {
	    {.path = settings.directory, .write = true},
	    {.path = socket_run_directory},
	};
	if (!sandbox_enter(&contract, paths, 2))
		exit(EXIT_TEMPORARY);
}

int
main(int argc, char **argv)
{
	int first = program_begin(&program, argc, argv);
	bool check = first + 1 == argc && strcmp(argv[first], "--check") == 0;
	if (first != argc && !check)
		program_usage(&program);
	read_settings();
	/* Wrong words keep nobody's mail: then those that are built in are said. */
	bool good = bouncer_read_templates();
	if (check)
		return good ? EXIT_DONE : EXIT_MISUSE;
	umask(077);
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	if (!control_rights_begin(&settings))
		return EXIT_MISUSE;
	if (!queue_directory_open(&manager.directory, settings.directory) || !queue_directory_lock(&manager.directory, LOCK_PATIENCE))
		return EXIT_TEMPORARY;
	journal_recover(&manager.directory, settings.journal_size, settings.free_space);
	start_number = queue_directory_count_start(&manager.directory);
	/* Each child holds its own socket and none of those before it. */
	int sockets[] = {-1, -1, -1, -1};
	pid_t spawner, intake, viewer;
	sockets[0] = start_child(run_spawner, sockets, &spawner);
	sockets[1] = start_child(run_intake, sockets, &intake);
	sockets[2] = start_child(run_viewer, sockets, &viewer);
	bool started = sockets[0] >= 0 && sockets[1] >= 0 && sockets[2] >= 0;
	if (!started || !loop_begin() || !ended_begin(manager.directory.journal) || !bouncer_begin() || !control_begin(sockets[2])) {
		log_error("not-started", log_errno());
		return EXIT_TEMPORARY;
	}
	confine();
	const struct manager_part parts[MANAGER_PARTS] = {{sockets[1], intake}, {sockets[2], viewer}};
	manager_run(parts, sockets[0]);
	return EXIT_TEMPORARY;
}
