/*
 * postern-remote: sends messages to other hosts.
 *
 * Who runs it: a supervisor, as the user postern-remote.
 * Reads: its settings, /etc/resolv.conf, /etc/hosts; of the queue only the one
 *   file whose descriptor came with a request, for reading. Writes: the log.
 * Sockets: listens on remote/send (queued); connects to tlsd/client, to
 *   authd/lookup (logins for relay hosts), with the setting mta_sts to
 *   sts/policy, and to the Unix sockets of LMTP servers that transports name
 *   (lmtp:unix:/path). Internet: DNS, SMTP and LMTP to other hosts.
 *
 * The parent accepts and forks; each child serves one connection of queued, one
 * request after the other, and keeps its session with the other host open for a
 * moment (remote_kept.h). What other hosts say is parsed in children only.
 * Exit codes: 0 told to end; 100 misuse or wrong settings; 111 temporary trouble.
 *
 * A full compromise of a child yields: the messages that it is given, lies
 * about whether they were sent, connections to the Internet and to Unix sockets
 * that are open to this user, and the logins for relay hosts, which authd tells it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/host.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "queue/remote_kept.h"
#include "queue/remote_request.h"
#include "queue/remote_send.h"

static const char *resolver, *address_family, *address4, *address6, *own_addresses, *outgoing_name;
static uint64_t    timeout_seconds, connect_seconds, resolver_seconds, resolver_rounds, hosts_most, connections_most, errand_seconds;
static uint64_t    step_seconds[STEP_COUNT];
static uint64_t    reuse_idle, reuse_time, reuse_messages;
static const char *tls, *tls_policy, *conversion;
static bool        trusted_resolver, mta_sts, chunking, login_in_clear;

static const struct setting table[] = {
    SOCKET_SETTINGS,
    HOST_SETTING,
    {"resolver", SETTING_TEXT, "", "ADDRESS:PORT of the DNS server, at most three of them (default: /etc/resolv.conf)", &resolver, 0, 0},
    {"resolver_timeout", SETTING_SECONDS, "3s", "wait for an answer of the DNS server; twice that each time that it is asked again",
        &resolver_seconds, 1, 60},
    {"resolver_attempts", SETTING_NUMBER, "3", "times that each DNS server is asked", &resolver_rounds, 1, 8},
    {"trusted_resolver", SETTING_FLAG, "no", "the resolver checks DNSSEC and the way to it is safe: its AD bit is believed",
        &trusted_resolver, 0, 0},
    {"outgoing_tls", SETTING_TEXT, "may", "TLS with other hosts: none, may, encrypt, dane, verify, secure", &tls, 0, 0},
    {"outgoing_tls_policy", SETTING_TEXT, "", "lines DESTINATION POLICY [NAME...], where it differs", &tls_policy, 0, 0},
    {"mta_sts", SETTING_FLAG, "no", "keep to the MTA-STS policies of other domains; needs postern-stsd", &mta_sts, 0, 0},
    {"connect_timeout", SETTING_SECONDS, "30s", "wait for a connection to another host", &connect_seconds, 1, 600},
    {"remote_greeting_timeout", SETTING_SECONDS, "5m", "wait for another host's greeting", &step_seconds[STEP_GREETING], 1, 3600},
    {"remote_hello_timeout", SETTING_SECONDS, "5m", "wait for its answer to EHLO, STARTTLS, AUTH, RSET", &step_seconds[STEP_HELLO], 1, 3600},
    {"remote_mail_timeout", SETTING_SECONDS, "5m", "wait for its answer to MAIL", &step_seconds[STEP_MAIL], 1, 3600},
    {"remote_rcpt_timeout", SETTING_SECONDS, "5m", "wait for its answer to RCPT", &step_seconds[STEP_RCPT], 1, 3600},
    {"remote_data_timeout", SETTING_SECONDS, "2m", "wait for its answer to DATA", &step_seconds[STEP_DATA], 1, 3600},
    {"remote_block_timeout", SETTING_SECONDS, "3m", "wait until it takes more of the message", &step_seconds[STEP_BLOCK], 1, 3600},
    {"remote_final_timeout", SETTING_SECONDS, "10m", "wait for its answer to the message", &step_seconds[STEP_FINAL], 1, 3600},
    {"remote_timeout", SETTING_SECONDS, "10m", "none of these waits is longer than this", &timeout_seconds, 1, 3600},
    {"remote_time", SETTING_SECONDS, "50m", "all that is waited for one message and destination, over all hosts", &errand_seconds, 1, 3300},
    {"reuse_idle", SETTING_SECONDS, "2s", "a connection stays open that long for another message; 0: it is not used again", &reuse_idle, 0, 600},
    {"reuse_time", SETTING_SECONDS, "5m", "a connection is used that long", &reuse_time, 1, 86400},
    {"reuse_messages", SETTING_NUMBER, "100", "messages of one connection", &reuse_messages, 1, 1000000},
    {"remote_chunking", SETTING_FLAG, "yes", "send text by BDAT where it saves a round trip", &chunking, 0, 0},
    {"remote_conversion", SETTING_TEXT, "convert", "what a host cannot take in eight bits: convert, return, as-is", &conversion, 0, 0},
    {"relay_login_without_tls", SETTING_FLAG, "no", "the password for a relay host may go in clear", &login_in_clear, 0, 0},
    {"address_family", SETTING_TEXT, "any", "any (ipv6 ipv4), ipv4, ipv6, or both, the first one first", &address_family, 0, 0},
    {"outgoing_address4", SETTING_TEXT, "", "IPv4 address of this host that mail is sent from (default: as the kernel chooses)", &address4, 0, 0},
    {"outgoing_address6", SETTING_TEXT, "", "the same for IPv6", &address6, 0, 0},
    {"outgoing_name", SETTING_TEXT, "", "name of this host in EHLO to other hosts (default: hostname)", &outgoing_name, 0, 0},
    {"own_addresses", SETTING_TEXT, "", "networks that lead back to this host, beside its own addresses: of a NAT, a balancer", &own_addresses, 0, 0},
    {"remote_hosts", SETTING_NUMBER, "10", "hosts of a destination that are looked up for one delivery", &hosts_most, 1, 32},
    {"remote_connections", SETTING_NUMBER, "10", "connections that are tried for one delivery", &connections_most, 1, 100},
};

#define CHILD_CALLS (CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_INTERNET | CALLS_READ_FILES)

/* The parent keeps what its children need, and forks. */
static const struct contract contract = {
    .calls = CHILD_CALLS | CALLS_EVENTS | CALLS_FORK,
    .memory = 64u << 20,
    .descriptors = 64,
    .processes = 1,
    .reaches = "/etc/resolv.conf and /etc/hosts, for reading",
    .sockets = "listens: remote/send; connects: tlsd/client authd/lookup sts/policy, LMTP sockets that transports name; Internet: DNS, SMTP, LMTP",
    .compromise = "the messages that are being sent, the logins for relay hosts, connections to the Internet and to LMTP sockets",
};

static const struct contract child_contract = {
    .calls = CHILD_CALLS,
    .memory = 64u << 20,
    .descriptors = 32,
};

static const struct program program = {
    .name = "postern-remote",
    .user = "postern-remote",
    .usage = "[--help | --version | --settings | --contract]",
    .help = "Sends messages to other hosts for postern-queued. A supervisor runs it.",
    .settings = table,
    .setting_count = sizeof table / sizeof *table,
    .contract = &contract,
};

static struct remote_settings settings;

static const struct sandbox_path paths[] = {
    {.path = "/etc/resolv.conf"},
    {.path = "/etc/hosts"},
};

/* --- a child --------------------------------------------------------------------------------- */

static void
build_result(struct packet *p, const char *tag, const struct errand *e)
{
	packet_begin(p, "result");
	packet_add_text(p, tag);
	for (size_t i = 0; i < e->count; i++)
		packet_add_outcome(p, &e->outcomes[i]);
}

/* The next request. A session that is kept is ended when none comes in time. */
static enum packet_result
next_request(int socket, struct packet *p)
{
	enum packet_result r = packet_receive_wait(socket, p, kept_patience());
	if (r != PACKET_TIMEOUT)
		return r;
	kept_end();
	return packet_receive_wait(socket, p, -1);
}

static bool
serve_request(int socket)
{
	static struct packet request, result;
	static struct remote_request asked;
	struct errand *errand = &asked.errand;
	if (next_request(socket, &request) != PACKET_OK)
		return false;
	bool ok = remote_request_read(&request, &asked);
	packet_close_descriptors(&request);
	if (!ok) {
		log_warning("request-malformed");
		return false;
	}
	log_session("queue", errand->id);
	errand->deadline = clock_ms() + (int64_t)errand_seconds * 1000;
	remote_send(&settings, slice_of(asked.transport), errand);
	close(errand->file);
	build_result(&result, asked.tag, errand);
	return packet_send_wait(socket, &result, 60000) == PACKET_OK;
}

static _Noreturn void
serve(int socket, int listening)
{
	close(listening);
	if (!sandbox_enter(&child_contract, paths, sizeof paths / sizeof *paths))
		_exit(EXIT_TEMPORARY);
	while (serve_request(socket))
		;
	kept_end();
	_exit(EXIT_DONE);
}

/* --- the parent -------------------------------------------------------------------------------- */

static void
take_connection(int listening, const struct peers *peers)
{
	struct pollfd p = {.fd = listening, .events = POLLIN};
	if (poll(&p, 1, -1) <= 0)
		return;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	pid_t pid = peers_allow(peers, fd, "remote/send") ? fork() : -2;
	if (pid == 0)
		serve(fd, listening);
	if (pid == -1)
		log_error("fork-failed", log_errno());
	close(fd);
}

static bool
read_conversion(enum conversion *wanted)
{
	static const char *const words[] = {
	    [CONVERSION_CONVERT] = "convert", [CONVERSION_RETURN] = "return", [CONVERSION_AS_IT_IS] = "as-is"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(conversion, words[i]) == 0) {
			*wanted = (enum conversion)i;
			return true;
		}
	log_error("setting-wrong", log_text("setting", "remote_conversion"), log_text("value", conversion),
	    log_text("hint", "write convert, return or as-is"));
	return false;
}

static bool
read_families(void)
{
	if (dns_set_families(&settings.dns, slice_of(address_family)))
		return true;
	log_error("setting-wrong", log_text("setting", "address_family"), log_text("text", address_family),
	    log_text("hint", "write any, ipv4, ipv6, \"ipv6 ipv4\" or \"ipv4 ipv6\""));
	return false;
}

static void
read_settings(void)
{
	program_settings(&program);
	settings.hostname = host_name();
	settings.smtp = (struct smtp_settings){.hostname = outgoing_name[0] != '\0' ? outgoing_name : host_name(), .chunking = chunking,
	    .login_in_clear = login_in_clear, .reuse_idle = reuse_idle * 1000, .reuse_time = reuse_time * 1000, .reuse_messages = reuse_messages};
	for (size_t i = 0; i < STEP_COUNT; i++)
		settings.smtp.times[i] = (int)(step_seconds[i] < timeout_seconds ? step_seconds[i] : timeout_seconds) * 1000;
	settings.connect.timeout = (int)connect_seconds * 1000;
	settings.mta_sts = mta_sts;
	settings.hosts_most = hosts_most;
	settings.connections_most = connections_most;
	bool ok = dns_begin(&settings.dns, resolver) && read_families() && policy_read(tls, tls_policy, &settings.tls) &&
	    connect_read_settings(&settings.connect, address4, address6, own_addresses);
	if (!ok || !read_conversion(&settings.smtp.conversion))
		exit(EXIT_MISUSE);
	settings.dns.trusted = trusted_resolver;
	settings.dns.wait = (int)resolver_seconds * 1000;
	settings.dns.rounds = (int)resolver_rounds;
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) != argc)
		program_usage(&program);
	read_settings();
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	struct peers peers = {.count = 0};
	peers_add(&peers, "postern-queue");
	int listening = socket_listen("remote/send");
	if (listening < 0)
		return EXIT_TEMPORARY;
	signal(SIGCHLD, SIG_IGN); /* ended children leave nothing behind */
	if (!sandbox_enter(&contract, paths, sizeof paths / sizeof *paths))
		return EXIT_TEMPORARY;
	for (;;)
		take_connection(listening, &peers);
}
