/*
 * postern-authproxy: lets other people's programs ask postern-authd in the
 * protocols that they know: Dovecot's authentication protocol (Postfix, Exim),
 * courier-authlib's authdaemond (Courier, maildrop, ExtMail, Cyrus SASL) and
 * Cyrus SASL's saslauthd.
 *
 * Run by a supervisor (s6, runit) as postern-authproxy; stays in the foreground.
 * Reads its settings; each names a socket, and none is served by default: then
 * it only waits. Writes nothing but its log on standard error.
 *
 * One process, which parses lines of strangers and so holds nothing: it asks
 * authd by packets as smtpd does, a conversation a login. What it may learn is
 * what authd answers.
 *
 * Listens: the sockets of its settings, for the users that these name.
 * Connects: authd/login, authd/lookup.
 * Exit: 0 on SIGTERM, 100 wrong settings, 111 temporary trouble.
 *
 * A full compromise of it yields: the passwords of those who log in by it from
 * then on, and who has an account; no hash, no mail file, no login that the
 * password does not open.
 */
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "authd/proxy_protocols.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"

static const char *mail_root;

static struct served {
	struct stream_service *service;
	const char            *socket; /* "": not served */
	const char            *users;
} dovecot = {.service = &proxy_dovecot}, courier = {.service = &proxy_courier}, saslauthd = {.service = &proxy_saslauthd};

static const struct setting settings[] = {
    SOCKET_SETTINGS,
    {"dovecot_socket", SETTING_TEXT, "", "socket for Postfix and Exim (Dovecot's protocol), absolute or beneath authproxy/ in the run directory; empty: not served",
        &dovecot.socket, 0, 0},
    {"dovecot_users", SETTING_TEXT, "postfix Debian-exim", "the users whose programs may ask there", &dovecot.users, 0, 0},
    {"courier_socket", SETTING_TEXT, "", "socket for authdaemond's clients; empty: not served", &courier.socket, 0, 0},
    {"courier_users", SETTING_TEXT, "postfix courier", "the users whose programs may ask there", &courier.users, 0, 0},
    {"saslauthd_socket", SETTING_TEXT, "", "socket for saslauthd's clients; empty: not served", &saslauthd.socket, 0, 0},
    {"saslauthd_users", SETTING_TEXT, "postfix", "the users whose programs may ask there", &saslauthd.users, 0, 0},
    {"mail_root", SETTING_TEXT, "/var/vmail", "the directory that Maildirs are beneath", &mail_root, 0, 0},
};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT,
    .memory = 384u << 20,
    .descriptors = 4096,
    .processes = 1,
    .reaches = "nothing",
    .sockets = "listens: authproxy/dovecot, authproxy/courier, authproxy/saslauthd, or where the settings say; "
               "connects: authd/login, authd/lookup",
    .compromise = "passwords of those who log in by it meanwhile, who has an account; no hash, no mail, no login without its password",
};

static const struct program program = {
    .name = "postern-authproxy",
    .user = "postern-authproxy",
    .usage = "[--help | --version | --settings | --contract]",
    .help = "Answers Postfix, Exim, Courier and Cyrus SASL in their own protocols. Run by a supervisor; takes no arguments.",
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .contract = &contract,
};

static void
find_vmail(void)
{
	const struct passwd *vmail = socket_one_identity ? NULL : getpwnam("vmail");
	proxy_courier_homes = (struct courier_homes){mail_root, getuid(), getgid()};
	if (vmail != NULL) {
		proxy_courier_homes.uid = vmail->pw_uid;
		proxy_courier_homes.gid = vmail->pw_gid;
	} else if (!socket_one_identity && courier.socket[0] != '\0') {
		log_error("no-user", log_text("user", "vmail"), log_text("hint", "conf/install makes it; authdaemond's answers name its id"));
		exit(EXIT_MISUSE);
	}
}

static int64_t
open_sockets(void)
{
	const struct served *all[] = {&dovecot, &courier, &saslauthd};
	int64_t count = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i]->socket[0] == '\0')
			continue;
		if (!stream_start(all[i]->service, all[i]->socket, all[i]->users))
			exit(EXIT_TEMPORARY);
		count++;
	}
	return count;
}

static void
terminate(int signal_number)
{
	(void)signal_number;
	loop_stop();
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) < argc)
		program_usage(&program);
	program_settings(&program);
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	find_vmail();
	if (!loop_begin() || !loop_signal(SIGTERM, terminate) || !loop_signal(SIGINT, terminate)) {
		log_error("event-loop-failed", log_errno());
		return EXIT_TEMPORARY;
	}
	int64_t count = open_sockets();
	if (!sandbox_enter(&contract, NULL, 0))
		return EXIT_TEMPORARY;
	log_info("ready", log_number("sockets", count),
	    log_text(count == 0 ? "hint" : NULL, "dovecot_socket, courier_socket and saslauthd_socket are empty: nothing to do"));
	loop_run();
	return EXIT_DONE;
}
