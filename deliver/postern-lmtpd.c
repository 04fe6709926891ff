/*
 * postern-lmtpd: LMTP in front of deliver, for another mail server that
 * receives and has us deliver.
 *
 * Who runs it:  s6-ipcserver on a Unix socket or tcpserver on loopback, one
 *               process a connection, as the user postern-lmtpd.
 * Reads:        its settings; the client on descriptors 0 and 1.
 * Writes:       to the client, its log to descriptor 2 (to syslog where inetd
 *               put the client there too), and the message to a file without
 *               a name in lmtp_directory, opened at the start.
 * Connects to:  authd/lookup, and postern-lmtp at lmtp/deliver, which has
 *               postern-deliver deliver, before it reads a byte of the client.
 * Confinement:  after that basic calls and messages on open sockets; no file,
 *               no new socket, no new process, 16 MiB of address space.
 * Exit codes:   0 the conversation ended, however it did; 100 wrong arguments
 *               or settings; 111 a program of the suite is away (the client
 *               was told 421).
 * A full compromise of it yields: messages into any mailbox under any sender,
 *               which the client may do anyway, the messages of this client's
 *               session, and whether addresses exist. No mailbox can be read.
 */
#include <stdlib.h>
#include <string.h>

#include "deliver/lmtp_services.h"
#include "deliver/lmtp_session.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/front/syslog.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"

static struct lmtp_config  config;
static struct lmtp_session session;
static const char         *bare_newline;

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES,
	.memory = 16 << 20,
	.descriptors = 2048, /* so many of this user's may be on their way to a neighbour at once (unix(7), ETOOMANYREFS) */
	.processes = 0,
	.reaches = "nothing",
	.sockets = "connects: authd/lookup, lmtp/deliver",
	.compromise = "messages into any mailbox under any sender; this session's messages; lookups of addresses",
};

static const struct setting settings[] = {
	SOCKET_SETTINGS,
	HOST_SETTING,
	{"lmtp_directory", SETTING_TEXT, "/var/spool/postern/lmtp", "where messages are while LMTP delivers them",
	    &config.directory, 0, 0},
	{"message_size", SETTING_SIZE, "10240000", "the largest message in bytes", &config.message_size, 65536,
	    UINT64_MAX / 2},
	{"recipients_limit", SETTING_NUMBER, "1000", "recipients of one message", &config.recipients_limit, 100, 100000},
	{"bare_newline", SETTING_TEXT, "refuse", "refuse, or normalize: a message with a CR or LF that is no CRLF", &bare_newline,
	    0, 0},
	{"timeout", SETTING_SECONDS, "300", "seconds without a byte from the client", &config.timeout, 1, 86400},
	{"over_quota_code", SETTING_NUMBER, "452", "the answer for a full mailbox: 452 or 552", &config.over_quota_code, 452, 552},
	{"over_quota_text", SETTING_TEXT, "Mailbox full", "the text of that answer", &config.over_quota_text, 0, 0},
};

static const struct program program = {
	.name = "postern-lmtpd",
	.user = "postern-lmtpd",
	.usage = "",
	.help = "Speaks LMTP (RFC 2033) with the client on descriptors 0 and 1 and delivers into mailboxes.",
	.settings = settings,
	.setting_count = sizeof settings / sizeof *settings,
	.contract = &contract,
};

static _Noreturn void
turn_away(const char *enhanced, int code)
{
	lmtp_close(&session, enhanced, "Service not available", "turned-away");
	output_flush(&session.out);
	exit(code);
}

static bool
read_bare_newline(void)
{
	config.normalize = strcmp(bare_newline, "normalize") == 0;
	if (config.normalize || strcmp(bare_newline, "refuse") == 0)
		return true;
	log_error("setting-wrong", log_text("setting", "bare_newline"), log_text("value", bare_newline),
	    log_text("hint", "it is refuse or normalize"));
	return false;
}

int
main(int argc, char **argv)
{
	log_beside_client();
	if (program_begin(&program, argc, argv) < argc)
		program_usage(&program);
	bool ok = settings_load(settings, program.setting_count) && read_bare_newline();
	config.hostname = host_name();
	lmtp_begin(&session, &config);
	if (!ok || (!socket_one_identity && !sandbox_not_root(&program)))
		turn_away("4.3.5", EXIT_MISUSE);
	if (!lmtp_services_open(&session.services, config.directory))
		turn_away("4.3.2", EXIT_TEMPORARY);
	if (!sandbox_enter(&contract, NULL, 0))
		turn_away("4.3.5", EXIT_TEMPORARY);
	lmtp_run(&session);
	lmtp_end(&session);
	return EXIT_DONE;
}
