/*
 * Load for tests/bench/authd, in C so that the generator is never the bound.
 *
 *     asks PROTOCOL SOCKET CONNECTIONS SECONDS COUNT FIRST KEYS FORMAT EXTRA known|unknown
 *     asks crypt SETTING THREADS SECONDS
 *
 * CONNECTIONS threads have one connection each and one question under way on
 * it. Question N (from 0; at most COUNT, none begun after SECONDS) is about the
 * address that FORMAT makes of the number FIRST + N % KEYS ("user%ld@x.test").
 * An answer that is not what known or unknown says counts as failed.
 *
 *     PROTOCOL       SOCKET                    EXTRA
 *     authd-rcpt     authd/lookup              -
 *     authd-login    authd/login               the password
 *     proxymap       private/proxymap          the table, mysql:/path
 *     smtp-rcpt      port of an smtpd          -
 *     dovecot-user   auth-userdb               -
 *     dovecot-login  auth-client               the password
 *
 * Prints one line: seconds, done, failed. crypt prints hashes a second.
 */
#include <arpa/inet.h>
#include <crypt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUFFER 65536
#define ENVELOPE_MOST 50 /* recipients of one transaction at an smtpd */

struct talk {
	int    fd;
	long   number;   /* of the connection */
	long   asked;
	size_t len;      /* bytes in `data` */
	char   data[BUFFER];
};

struct load;

struct protocol {
	const char *name;
	int         family, type;
	bool      (*greet)(struct load *l, struct talk *t);
	/* Asks about the address and reads the answer. */
	bool      (*ask)(struct load *l, struct talk *t, const char *address);
};

static struct load {
	const struct protocol *protocol;
	const char  *socket, *format, *extra;
	long         count, first, keys;
	bool         known;
	double       seconds, begin;
	atomic_long  next, done, failed;
} load;

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool
more(struct talk *t)
{
	if (t->len == BUFFER)
		return false;
	ssize_t got = recv(t->fd, t->data + t->len, BUFFER - t->len, 0);
	if (got <= 0)
		return false;
	t->len += (size_t)got;
	return true;
}

/* The next line without its end, cut to `size`. */
static bool
read_line(struct talk *t, char *line, size_t size)
{
	char *end;
	while ((end = memchr(t->data, '\n', t->len)) == NULL)
		if (!more(t))
			return false;
	size_t len = (size_t)(end - t->data);
	size_t kept = len < size ? len : size - 1;
	memcpy(line, t->data, kept);
	line[kept] = '\0';
	t->len -= len + 1;
	memmove(t->data, end + 1, t->len);
	return true;
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Base64 of NUL user NUL password. */
static void
plain_blob(char *into, const char *user, const char *password)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char raw[512] = {0};
	size_t len = (size_t)snprintf((char *)raw + 1, sizeof raw - 1, "%s", user) + 2;
	len += (size_t)snprintf((char *)raw + len, sizeof raw - len, "%s", password);
	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = (unsigned)raw[i] << 16 | (i + 1 < len ? (unsigned)raw[i + 1] << 8 : 0) | (i + 2 < len ? raw[i + 2] : 0);
		*into++ = letters[bits >> 18];
		*into++ = letters[bits >> 12 & 63];
		*into++ = i + 1 < len ? letters[bits >> 6 & 63] : '=';
		*into++ = i + 2 < len ? letters[bits & 63] : '=';
	}
	*into = '\0';
}

/* --- Postern: packets of NUL-terminated fields ----------------------------------- */

static bool
packet(struct talk *t, const char *fields, size_t len)
{
	if (send(t->fd, fields, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	ssize_t got = recv(t->fd, t->data, BUFFER - 1, 0);
	if (got <= 0)
		return false;
	t->data[got] = '\0';
	return true;
}

static bool
no_greeting(struct load *l, struct talk *t)
{
	(void)l;
	(void)t;
	return true;
}

/* ok T mailbox, or ok T unknown */
static bool
authd_rcpt(struct load *l, struct talk *t, const char *address)
{
	char question[512];
	int len = snprintf(question, sizeof question, "rcpt%ct%c%s%c", 0, 0, address, 0);
	return packet(t, question, (size_t)len) && strcmp(t->data, "ok") == 0 &&
	    strcmp(t->data + 5, l->known ? "mailbox" : "unknown") == 0;
}

static bool
authd_greet(struct load *l, struct talk *t)
{
	(void)l;
	static const char hello[] = "hello\0t\0smtp\0" "127.0.0.1\0tls";
	return packet(t, hello, sizeof hello) && strcmp(t->data, "ok") == 0;
}

static bool
authd_login(struct load *l, struct talk *t, const char *address)
{
	char blob[1024], question[2048];
	plain_blob(blob, address, l->extra);
	int len = snprintf(question, sizeof question, "auth%ct%cPLAIN%c%s%c", 0, 0, 0, blob, 0);
	return packet(t, question, (size_t)len) && strcmp(t->data, l->known ? "ok" : "no") == 0;
}

/* --- Postfix's proxymap: attributes, NUL-terminated names and values, an empty name at the end --- */

/* Reads one list of attributes; `*status` becomes that of the attribute status, -1 without one. */
static bool
attributes(struct talk *t, int *status)
{
	t->len = 0;
	*status = -1;
	while (t->len < 2 || t->data[t->len - 1] != '\0' || t->data[t->len - 2] != '\0')
		if (!more(t))
			return false;
	if (strcmp(t->data, "status") == 0)
		*status = atoi(t->data + sizeof "status");
	return true;
}

/* It says which protocol it speaks first. */
static bool
proxymap_greet(struct load *l, struct talk *t)
{
	(void)l;
	int status;
	return attributes(t, &status);
}

static bool
proxymap(struct load *l, struct talk *t, const char *address)
{
	char question[1024];
	int status, len = snprintf(question, sizeof question, "request%clookup%ctable%c%s%cflags%c16448%ckey%c%s%c%c",
	    0, 0, 0, l->extra, 0, 0, 0, 0, address, 0, 0);
	return send_all(t->fd, question, (size_t)len) && attributes(t, &status) && status == (l->known ? 0 : 1);
}

/* --- an smtpd ------------------------------------------------------------------------ */

static char
smtp_reply(struct talk *t)
{
	char line[1024];
	do {
		if (!read_line(t, line, sizeof line))
			return '\0';
	} while (strlen(line) > 3 && line[3] == '-');
	return line[0];
}

static char
smtp_say(struct talk *t, const char *line)
{
	return send_all(t->fd, line, strlen(line)) ? smtp_reply(t) : '\0';
}

static bool
smtp_greet(struct load *l, struct talk *t)
{
	(void)l;
	return smtp_reply(t) == '2' && smtp_say(t, "EHLO load.test\r\n") == '2' &&
	    smtp_say(t, "MAIL FROM:<load@sender.test>\r\n") == '2';
}

static bool
smtp_rcpt(struct load *l, struct talk *t, const char *address)
{
	char line[512];
	if (t->asked % ENVELOPE_MOST == 0 && t->asked > 0 &&
	    (smtp_say(t, "RSET\r\n") != '2' || smtp_say(t, "MAIL FROM:<load@sender.test>\r\n") != '2'))
		return false;
	snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", address);
	return smtp_say(t, line) == (l->known ? '2' : '5');
}

/* --- Dovecot's auth: lines of fields, tabs between -------------------------------------- */

static bool
line_like(struct talk *t, const char *with)
{
	char line[4096];
	return read_line(t, line, sizeof line) && begins(line, with);
}

/* Its master protocol greets with two lines. */
static bool
dovecot_user_greet(struct load *l, struct talk *t)
{
	(void)l;
	return send_all(t->fd, "VERSION\t1\t1\n", 12) && line_like(t, "VERSION\t1\t") && line_like(t, "SPID\t");
}

static bool
dovecot_user(struct load *l, struct talk *t, const char *address)
{
	char question[512];
	int len = snprintf(question, sizeof question, "USER\t%ld\t%s\tservice=smtp\n", t->asked + 1, address);
	return send_all(t->fd, question, (size_t)len) && line_like(t, l->known ? "USER\t" : "NOTFOUND\t");
}

static bool
dovecot_login_greet(struct load *l, struct talk *t)
{
	(void)l;
	char text[64];
	/* The client's process id must be nobody else's. */
	int len = snprintf(text, sizeof text, "VERSION\t1\t2\nCPID\t%ld\n", (long)getpid() * 1000 + t->number);
	if (!send_all(t->fd, text, (size_t)len))
		return false;
	do {
		if (!read_line(t, text, sizeof text))
			return false;
	} while (strcmp(text, "DONE") != 0);
	return true;
}

static bool
dovecot_login(struct load *l, struct talk *t, const char *address)
{
	char blob[1024], question[2048];
	plain_blob(blob, address, l->extra);
	int len = snprintf(question, sizeof question, "AUTH\t%ld\tPLAIN\tservice=smtp\tsecured\tnologin\tresp=%s\n", t->asked + 1, blob);
	return send_all(t->fd, question, (size_t)len) && line_like(t, l->known ? "OK\t" : "FAIL\t");
}

/* --- the load ------------------------------------------------------------------------------ */

static const struct protocol protocols[] = {
    {"authd-rcpt", AF_UNIX, SOCK_SEQPACKET, no_greeting, authd_rcpt},
    {"authd-login", AF_UNIX, SOCK_SEQPACKET, authd_greet, authd_login},
    {"proxymap", AF_UNIX, SOCK_STREAM, proxymap_greet, proxymap},
    {"smtp-rcpt", AF_INET, SOCK_STREAM, smtp_greet, smtp_rcpt},
    {"dovecot-user", AF_UNIX, SOCK_STREAM, dovecot_user_greet, dovecot_user},
    {"dovecot-login", AF_UNIX, SOCK_STREAM, dovecot_login_greet, dovecot_login},
};

static bool
open_talk(const struct load *l, struct talk *t)
{
	struct sockaddr_un there = {.sun_family = AF_UNIX};
	struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(l->socket)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval patience = {.tv_sec = 60};
	int yes = 1;
	bool inet = l->protocol->family == AF_INET;
	snprintf(there.sun_path, sizeof there.sun_path, "%s", l->socket);
	t->fd = socket(l->protocol->family, l->protocol->type, 0);
	if (t->fd < 0)
		return false;
	setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (inet)
		setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	return connect(t->fd, inet ? (struct sockaddr *)&port : (struct sockaddr *)&there, inet ? sizeof port : sizeof there) == 0;
}

static pthread_barrier_t all_greeted;

static void *
work(void *context)
{
	struct talk *t = context;
	bool ok = open_talk(&load, t) && load.protocol->greet(&load, t);
	pthread_barrier_wait(&all_greeted);
	if (!ok) {
		atomic_fetch_add(&load.failed, 1);
		return NULL;
	}
	for (;; t->asked++) {
		long number = atomic_fetch_add(&load.next, 1);
		if (number >= load.count || now() - load.begin > load.seconds)
			return NULL;
		char address[256];
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(address, sizeof address, load.format, load.first + number % load.keys);
		if (load.protocol->ask(&load, t, address)) {
			atomic_fetch_add(&load.done, 1);
			continue;
		}
		/* A broken conversation is not asked again. */
		atomic_fetch_add(&load.failed, 1);
		return NULL;
	}
}

static int
run(long connections)
{
	pthread_t threads[connections];
	struct talk *talks = calloc((size_t)connections, sizeof *talks);
	if (talks == NULL || pthread_barrier_init(&all_greeted, NULL, (unsigned)connections + 1) != 0)
		return 111;
	for (long i = 0; i < connections; i++) {
		talks[i].number = i;
		if (pthread_create(&threads[i], NULL, work, &talks[i]) != 0)
			return 111;
	}
	load.begin = now();
	pthread_barrier_wait(&all_greeted);
	load.begin = now();
	for (long i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	printf("%.4f %ld %ld\n", now() - load.begin, atomic_load(&load.done), atomic_load(&load.failed));
	return 0;
}

/* --- what a hash costs here ------------------------------------------------------------------- */

static void *
hash(void *context)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	while (data != NULL && now() - load.begin < load.seconds)
		if (crypt_r("secret-words", context, data) != NULL)
			atomic_fetch_add(&load.done, 1);
	free(data);
	return NULL;
}

static int
run_crypt(char *setting, long count)
{
	pthread_t threads[count];
	load.begin = now();
	for (long i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, hash, setting) != 0)
			return 111;
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("%.1f\n", (double)atomic_load(&load.done) / (now() - load.begin));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "crypt") == 0) {
		load.seconds = atof(argv[4]);
		return run_crypt(argv[2], atol(argv[3]));
	}
	for (size_t i = 0; argc == 11 && i < sizeof protocols / sizeof *protocols; i++)
		if (strcmp(argv[1], protocols[i].name) == 0)
			load.protocol = &protocols[i];
	if (load.protocol == NULL || atol(argv[3]) < 1 || atol(argv[7]) < 1) {
		fprintf(stderr, "usage: asks PROTOCOL SOCKET CONNECTIONS SECONDS COUNT FIRST KEYS FORMAT EXTRA known|unknown\n"
		    "       asks crypt SETTING THREADS SECONDS\n");
		return 100;
	}
	load.socket = argv[2];
	load.seconds = atof(argv[4]);
	load.count = atol(argv[5]);
	load.first = atol(argv[6]);
	load.keys = atol(argv[7]);
	load.format = argv[8];
	load.extra = argv[9];
	load.known = strcmp(argv[10], "known") == 0;
	return run(atol(argv[3]));
}
