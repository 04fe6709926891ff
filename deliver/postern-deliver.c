/*
 * postern-deliver - writes one message into a Maildir
 *
 * Runs as     vmail, by the setuid and setgid bits (mode 6711); refuses callers other than
 *             root, postern-queue, postern-lmtpd and vmail itself.
 * Started by  queued's spawner and lmtpd as a worker (--worker: requests are
 *             packets on descriptor 0, each with the open message file), or by
 *             any MTA as a delivery agent (-d ADDRESS, message on descriptor 0);
 *             the setting deliver_users names further callers.
 * Starts      postern-sieve, before it confines itself, where the setting sieve is yes.
 * Reads       its settings, the text of quota warnings and the administrator's
 *             scripts, and in /sys which file systems have a journal; then only
 *             the message's descriptor and users' scripts.
 * Writes      Maildirs beneath mail_root, nowhere else.
 * Talks to    authd/lookup, to learn which Maildir an address has and what that may
 *             hold, and to tell what it holds. What the caller says about a path
 *             is never asked for. To queue/submit, with what a script sends. To its
 *             postern-sieve.
 * Confined    Landlock: mail_root. Calls: basic, messages, connect (a new
 *             connection when authd was restarted), read-files, write-files.
 *             Cannot start a program, cannot reach the Internet.
 * Exit codes  worker: 0 the socket ended, 100 misuse, 111 temporary trouble.
 *             --check: 0 right, 100 wrong.
 *             -d: sysexits: 0 delivered, 64 usage, 67 no such mailbox,
 *             73 cannot be delivered (77 with -e), 75 try again.
 * A full compromise yields all Maildirs (read, change, remove) and authd's
 * answers to lookups; no password, no key, no queue, no network.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/arguments.h"
#include "deliver/caller.h"
#include "deliver/group.h"
#include "deliver/sieve.h"
#include "deliver/stored_stream.h"
#include "deliver/worker.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/base/str.h"
#include "lib/ipc/socket.h"
#include "lib/mail/date.h"
#include "lib/sandbox/sandbox.h"
#include "lib/store/new_maildir.h"
#include "lib/store/settle.h"

static const char  *mail_root, *deliver_users, *extension_folders;
static struct rules rules;

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	{"mail_root", SETTING_TEXT, "/var/vmail", "the directory that all Maildirs are beneath", &mail_root, 0, 0},
	HOST_SETTING,
	{"deliver_users", SETTING_TEXT, "", "further users who may run postern-deliver", &deliver_users, 0, 0},
	NEW_FOLDERS_SETTING(rules.new_folders),
	{"extension_folders", SETTING_TEXT, "no", "no, existing or create: mail for user+folder@ goes into that folder",
	    &extension_folders, 0, 0},
	{"duplicate_window", SETTING_SECONDS, "0", "seconds in which a Message-ID is not delivered twice; 0: it is",
	    &rules.duplicate_window, 0, 31536000},
	{"share_files", SETTING_FLAG, "no", "copies of one message share a file, and do not name their recipient",
	    &rules.share_files, 0, 0},
	ADMIT_SETTINGS,
	SIEVE_SETTINGS,
};

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES,
	.memory = 16 << 20,
	.descriptors = 256, /* a group has eight for each message (group.h), and a quota is counted beside it */
	.reaches = "mail_root (read and write)",
	.sockets = "connects: authd/lookup queue/submit; serves: descriptor 0; a pair to its own postern-sieve",
	.compromise = "all Maildirs; no password, key, queue or network",
};

static const struct program program = {
	.name = "postern-deliver",
	.user = "vmail",
	.usage = "--worker | --check | -d ADDRESS [-f SENDER] [-a ORIGINAL] [-r FINAL] [-m FOLDER] [-e]",
	.help = "Writes messages into Maildirs.\n\n"
	        "  --worker     serve delivery requests on descriptor 0 (a SEQPACKET socket)\n"
	        "  --check      say whether the settings, and the text of quota warnings, are right\n"
	        "  -d ADDRESS   deliver the message on descriptor 0 to this mailbox\n"
	        "  -f SENDER    the envelope's sender (default: the null sender)\n"
	        "  -a ORIGINAL  the recipient as the sender wrote it (X-Original-To)\n"
	        "  -r FINAL     the recipient that Delivered-To names (default: ADDRESS)\n"
	        "  -m FOLDER    into this folder, if it can be had, else INBOX\n"
	        "  -e           what is refused for good ends with 77 instead of 73",
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

static bool
read_extension_folders(void)
{
	static const char *const words[] = {"no", "existing", "create"};
	for (int i = 0; i < 3; i++)
		if (strcmp(extension_folders, words[i]) == 0) {
			rules.extension_folders = (enum extension_folders)i;
			return true;
		}
	log_error("setting-wrong", log_text("setting", "extension_folders"), log_text("value", extension_folders),
	    log_text("hint", "it is no, existing or create"));
	return false;
}

/* Files that settings name are read by the user that will run, vmail. EXIT_DONE, or the code to end with. */
static int
prepare_settings(void)
{
	bool ok = settings_load(settings, program.setting_count) && read_extension_folders() && caller_allowed(deliver_users) &&
	    caller_leave() && admit_prepare() && sieve_prepare();
	return ok ? EXIT_DONE : EXIT_MISUSE;
}

/* All steps before the loop, in the order of every program of the suite. */
static int
prepare(void)
{
	if (prepare_settings() != EXIT_DONE)
		return EXIT_MISUSE;
	date_open();
	settle_prepare();
	deliverer.rules = &rules;
	/* When authd is not there yet, it is asked again at the first delivery. */
	deliverer.authd.socket = socket_connect("authd/lookup", 0);
	if (!open_mail_root() || !confine())
		return EXIT_TEMPORARY;
	return EXIT_DONE;
}

static int
sysexit_of(const struct outcome *o, const struct arguments *a)
{
	if (outcome_is_done(o))
		return EX_OK;
	if (o->class == OUTCOME_TEMPORARY)
		return EX_TEMPFAIL;
	if (strcmp(o->code, "5.1.1") == 0)
		return EX_NOUSER;
	return a->refuses ? EX_NOPERM : EX_CANTCREAT;
}

/* What the sender's copy of the address says behind the user's name, when the one that we are to deliver to says nothing. */
static const char *
extension_of_original(const struct arguments *a, struct str *extension)
{
	struct mailbox mailbox;
	if (a->folder != NULL || a->original == NULL || rules.extension_folders == EXTENSION_NO)
		return a->folder;
	struct str maildir = STR_MOST(PACKET_MOST);
	struct outcome o = mailbox_find(&deliverer.authd, a->address, &mailbox);
	bool plain = outcome_is_done(&o) && mailbox.extension[0] == '\0' && str_append_text(&maildir, mailbox.maildir);
	if (plain)
		o = mailbox_find(&deliverer.authd, a->original, &mailbox);
	if (plain && outcome_is_done(&o) && strcmp(mailbox.maildir, str_text(&maildir)) == 0)
		str_append_text(extension, mailbox.extension);
	str_free(&maildir);
	return extension->len > 0 ? str_text(extension) : NULL;
}

/* A script may send the message several ways, so it must be a file. */
static bool
read_for_script(struct delivery *what)
{
	if (!sieve_config.on)
		return true;
	what->message = stored_stream(&deliverer.source, deliverer.mail_root, STDIN_FILENO);
	what->stream = false;
	if (what->message < 0)
		log_error("message-not-stored", log_text("directory", mail_root), log_errno());
	return what->message >= 0;
}

/*
 * The answer is the exit code; of what is printed the beginning is for the
 * caller (Postfix's pipe(8) takes a status code there for more than the exit
 * code, and puts the text into its bounce).
 */
static int
deliver_once(const struct arguments *a)
{
	static struct group group;
	struct str extension = STR_MOST(PACKET_MOST);
	struct delivery what = {
	    .sender = a->sender,
	    .address = a->address,
	    .final = a->final != NULL ? a->final : a->address,
	    .original = a->original != NULL ? a->original : a->address,
	    .folder = extension_of_original(a, &extension),
	    .length = UINT64_MAX,
	    .stream = true,
	};
	if (!read_for_script(&what))
		return EX_TEMPFAIL;
	group_add(&group, &deliverer, &what);
	str_free(&extension);
	group_end(&group, &deliverer);
	mailbox_close(&deliverer.authd);
	const struct outcome *o = &group.members[0].outcome;
	if (!outcome_is_done(o)) {
		printf("%s %s\n", o->code, o->text);
		fflush(stdout);
	}
	log_event(outcome_is_done(o) ? LOG_INFO : LOG_WARNING, outcome_is_done(o) ? "delivered" : "not-delivered",
	    log_text("to", a->address), log_text("code", o->code), log_text("reason", o->text));
	return sysexit_of(o, a);
}

static int
run_worker(void)
{
	int prepared = prepare();
	if (prepared != EXIT_DONE)
		return prepared;
	return worker_serve(&deliverer, 0) ? EXIT_DONE : EXIT_TEMPORARY;
}

int
main(int argc, char **argv)
{
	struct arguments a;
	caller_forget();
	int first = program_begin(&program, argc, argv);
	if (argc == first + 1 && strcmp(argv[first], "--worker") == 0)
		return run_worker();
	if (argc == first + 1 && strcmp(argv[first], "--check") == 0)
		return prepare_settings();
	if (argc == first || strncmp(argv[first], "--", 2) == 0)
		program_usage(&program);
	if (!arguments_read(argc, argv, first, &a))
		return EX_USAGE;
	/* A mistake in our settings must not bounce the mail of a calling MTA. */
	return prepare() == EXIT_DONE ? deliver_once(&a) : EX_TEMPFAIL;
}
