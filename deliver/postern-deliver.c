/*
 * postern-deliver - writes one message into a Maildir
 *
 * Runs as     vmail, by the setuid and setgid bits (mode 6711); refuses callers other than
 *             root, postern-queue, postern-lmtpd and vmail itself.
 * Started by  queued's spawner and lmtpd as a worker (--worker: requests are
 *             packets on descriptor 0, each with the open message file), or by
 *             any MTA as a delivery agent (-d ADDRESS, message on descriptor 0).
 * Reads       its settings and the text of quota warnings; then only the message's
 *             descriptor.
 * Writes      Maildirs beneath mail_root, nowhere else.
 * Talks to    authd/lookup, to learn which Maildir an address has and what that may
 *             hold, and to tell what it holds. What the caller says about a path
 *             is never asked for.
 * Confined    Landlock: mail_root. Calls: basic, messages, connect (a new
 *             connection when authd was restarted), read-files, write-files.
 *             Cannot start a program, cannot reach the Internet.
 * Exit codes  worker: 0 the socket ended, 100 misuse, 111 temporary trouble.
 *             -d: sysexits: 0 delivered, 64 usage, 67 no such mailbox,
 *             73 cannot be delivered, 75 try again.
 * A full compromise yields all Maildirs (read, change, remove) and authd's
 * answers to lookups; no password, no key, no queue, no network.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/caller.h"
#include "deliver/delivery.h"
#include "deliver/worker.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "lib/mail/date.h"
#include "lib/sandbox/sandbox.h"

static const char *mail_root;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that all Maildirs are beneath", &mail_root, 0, 0},
	HOST_SETTING,
	ADMIT_SETTINGS,
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES,
	.memory = 16 << 20,
	.descriptors = 32,
	.reaches = "mail_root (read and write)",
	.sockets = "connects: authd/lookup; serves: descriptor 0",
	.compromise = "all Maildirs; no password, key, queue or network",
};

static const struct program program = {
	.name = "postern-deliver",
	.user = "vmail",
	.usage = "--worker | -d ADDRESS [-f SENDER]",
	.help = "Writes messages into Maildirs.\n\n"
	        "  --worker    serve delivery requests on descriptor 0 (a SEQPACKET socket)\n"
	        "  -d ADDRESS  deliver the message on descriptor 0 to this mailbox\n"
	        "  -f SENDER   the envelope's sender (default: the null sender)",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

#ifdef POSTERN_SANITIZE
/* The sanitizer does not read a setuid program's environment, and its leak check needs calls that the filter forbids. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* What is kept from one delivery to the next. */
static struct deliverer deliverer;

struct arguments {
	bool        worker;
	const char *address, *sender;
};

static bool
parse_arguments(int argc, char **argv, int first, struct arguments *a)
{
	*a = (struct arguments){.sender = ""};
	for (int i = first; i < argc; i++) {
		if (strcmp(argv[i], "--worker") == 0)
			a->worker = true;
		else if (strcmp(argv[i], "-d") == 0 && i + 1 < argc)
			a->address = argv[++i];
		else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc)
			a->sender = argv[++i];
		else
			return false;
	}
	return a->worker != (a->address != NULL);
}

/* The mail root is the one place where a link of the administrator's is followed. */
static bool
open_mail_root(void)
{
	deliverer.mail_root = open(mail_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (deliverer.mail_root >= 0)
		return true;
	log_error("mail-root", log_text("directory", mail_root), log_errno(),
	    log_text("hint", "make the directory, owned by vmail, mode 0700, or correct the setting mail_root"));
	return false;
}

static bool
confine(void)
{
	const struct sandbox_path paths[] = {{.fd = deliverer.mail_root, .write = true}};
	return sandbox_enter(&contract, paths, 1);
}

/* All steps before the loop, in the order of every program of the suite. EXIT_DONE, or the code to end with. */
static int
prepare(void)
{
	if (!settings_load(settings, program.setting_count))
		return EXIT_MISUSE;
	if (!caller_allowed())
		return EXIT_MISUSE;
	if (!caller_leave() || !admit_prepare())
		return EXIT_MISUSE;
	date_open();
	deliverer.save.fd = -1;
	/* When authd is not there yet, it is asked again at the first delivery. */
	deliverer.authd.socket = socket_connect("authd/lookup", 0);
	if (!open_mail_root() || !confine())
		return EXIT_TEMPORARY;
	return EXIT_DONE;
}

static int
sysexit_of(const struct outcome *o)
{
	if (outcome_is_done(o))
		return EX_OK;
	if (o->class == OUTCOME_TEMPORARY)
		return EX_TEMPFAIL;
	return strcmp(o->code, "5.1.1") == 0 ? EX_NOUSER : EX_CANTCREAT;
}

static int
deliver_once(const struct arguments *a)
{
	struct delivery what = {.sender = a->sender, .address = a->address, .original = a->address, .stream = true};
	struct outcome o = deliver(&deliverer, &what);
	log_event(outcome_is_done(&o) ? LOG_INFO : LOG_WARNING, outcome_is_done(&o) ? "delivered" : "not-delivered",
	    log_text("to", a->address), log_text("code", o.code), log_text("reason", o.text));
	return sysexit_of(&o);
}

int
main(int argc, char **argv)
{
	struct arguments a;
	caller_forget();
	int first = program_begin(&program, argc, argv);
	if (!parse_arguments(argc, argv, first, &a)) {
		if (argc > 1 && strcmp(argv[1], "-d") == 0)
			return EX_USAGE;
		program_usage(&program);
	}
	int prepared = prepare();
	if (a.worker)
		return prepared != EXIT_DONE ? prepared : worker_serve(&deliverer, 0) ? EXIT_DONE : EXIT_TEMPORARY;
	/* A mistake in our settings must not bounce the mail of a calling MTA. */
	return prepared != EXIT_DONE ? EX_TEMPFAIL : deliver_once(&a);
}
