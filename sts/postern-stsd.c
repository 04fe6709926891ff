/*
 * postern-stsd: MTA-STS (RFC 8461) for postern-remote. Looks up whether a domain
 * has a policy, fetches it by HTTPS, and keeps it as long as it counts.
 *
 * Who runs it: a supervisor, as the user postern-stsd.
 * Reads: its settings, the file of CAs, /etc/resolv.conf, /etc/hosts. Writes:
 *   its cache (sts_directory, a text file a domain), the log.
 * Sockets: listens on sts/policy (postern-remote). Internet: DNS, HTTPS.
 *
 * One loop answers from the cache and writes it; workers ask DNS and speak
 * HTTPS, and reach no file. Names are resolved by our own resolver client
 * (setting resolver), so that libcurl needs neither modules nor threads; what
 * a lying resolver says cannot give us a false policy, for the certificate
 * must be the policy host's.
 * Exit codes: 0 told to end; 100 misuse or wrong settings; 111 temporary trouble.
 *
 * A full compromise of a worker yields: false policies (mail that waits, or
 * goes without a verified certificate), and connections to the Internet. Of the
 * loop: the same for all domains, and which domains mail goes to.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/sandbox/sandbox.h"
#include "sts/fetch.h"
#include "sts/inquiry.h"

#define LINE_MOST 256 /* look-ups that wait for a worker */
#define PATIENCE  (90 * 1000) /* ms for DNS, beside the time of the fetch */

static const char *directory, *ca_file, *resolver;
static uint64_t    timeout_seconds, workers, resolver_seconds, resolver_rounds;
static struct inquiry_settings inquiry = {.directory = -1};
static struct fetcher          fetcher;

static const struct setting settings[] = {
    SOCKET_SETTINGS,
    {"resolver", SETTING_TEXT, "", "ADDRESS:PORT of the DNS server, at most three of them (default: /etc/resolv.conf)", &resolver, 0, 0},
    {"resolver_timeout", SETTING_SECONDS, "3s", "wait for an answer of the DNS server; twice that each time that it is asked again",
        &resolver_seconds, 1, 60},
    {"resolver_attempts", SETTING_NUMBER, "3", "times that each DNS server is asked", &resolver_rounds, 1, 8},
    {"sts_directory", SETTING_TEXT, "/var/lib/postern/sts", "where policies are kept", &directory, 0, 0},
    {"sts_ca_file", SETTING_TEXT, "/etc/ssl/certs/ca-certificates.crt", "PEM file: the CAs that vouch for policy hosts", &ca_file, 0, 0},
    {"sts_timeout", SETTING_SECONDS, "30s", "time for the fetch of one policy", &timeout_seconds, 1, 300},
    {"sts_check", SETTING_SECONDS, "10m", "time between two looks whether a domain has another policy", &inquiry.check, 1, 86400},
    {"sts_refresh", SETTING_SECONDS, "1d", "age at which a policy is fetched anew in any case", &inquiry.refresh, 1, 2592000},
    {"sts_policies", SETTING_NUMBER, "10000", "policies that are kept", &inquiry.most, 1, 1000000},
    {"sts_workers", SETTING_NUMBER, "4", "look-ups at a time", &workers, 1, 64},
};

static const struct contract contract = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_INTERNET | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_FORK,
    .memory = 512u << 20,
    .descriptors = 1024,
    .processes = 5,
    .reaches = "sts_directory; /etc/hosts and /etc/resolv.conf, for reading",
    .sockets = "listens: sts/policy; Internet: DNS, HTTPS to mta-sts.DOMAIN",
    .compromise = "false policies: mail that waits, or goes without a verified certificate; which domains mail goes to",
};

static const struct program program = {
    .name = "postern-stsd",
    .user = "postern-stsd",
    .usage = "[--help | --version | --settings | --contract]",
    .help = "Fetches and keeps the MTA-STS policies of other domains for postern-remote. Run by a supervisor; takes no arguments.",
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .contract = &contract,
};

static struct pool pool = {.name = "fetch", .most_waiting = LINE_MOST, .work = fetch_work, .context = &fetcher};
static struct service service = {.name = "sts/policy", .most = 512};

static void
terminate(int signal_number)
{
	(void)signal_number;
	loop_stop();
}

static bool
open_directory(void)
{
	inquiry.directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inquiry.directory >= 0 && faccessat(inquiry.directory, ".", W_OK, 0) == 0)
		return true;
	log_error("directory-unusable", log_text("directory", directory), log_errno(),
	    log_text("hint", "conf/install makes it; it must belong to postern-stsd, or sts_directory name another"));
	return false;
}

static void
read_settings(void)
{
	program_settings(&program);
	if (!dns_begin(&fetcher.dns, resolver))
		exit(EXIT_MISUSE);
	fetcher.dns.wait = (int)resolver_seconds * 1000;
	fetcher.dns.rounds = (int)resolver_rounds;
	fetcher.timeout = (int)timeout_seconds * 1000;
	pool.workers = workers;
	pool.job_timeout = fetcher.timeout + PATIENCE;
	inquiry.pool = &pool;
	peers_add(&service.peers, "postern-remote");
}

int
main(int argc, char **argv)
{
	if (program_begin(&program, argc, argv) < argc)
		program_usage(&program);
	read_settings();
	if (!socket_one_identity && !sandbox_not_root(&program))
		return EXIT_MISUSE;
	if (!open_directory() || !fetch_prepare(&fetcher, ca_file))
		return EXIT_TEMPORARY;
	if (!loop_begin() || !loop_signal(SIGTERM, terminate) || !loop_signal(SIGINT, terminate) || !inquiry_start(&inquiry, &service)) {
		log_error("event-loop-failed", log_errno());
		return EXIT_TEMPORARY;
	}
	const struct sandbox_path paths[] = {{.path = directory, .write = true}, {.path = "/etc/hosts"}, {.path = "/etc/resolv.conf"}};
	/* The workers come after it: a confined process may end only those that it forked since. */
	if (!sandbox_enter(&contract, paths, sizeof paths / sizeof *paths) || !pool_start(&pool))
		return EXIT_TEMPORARY;
	log_info("ready");
	loop_run();
	return EXIT_DONE;
}
