/*
 * Load for the benchmarks, in C so that the generator is never the bound.
 *
 *     load KIND HOST PORT CONNECTIONS COUNT SIZE|PASSWORD USERS DOMAIN [SECONDS]
 *
 * CONNECTIONS threads share COUNT rounds (and begin none after SECONDS). A
 * round is one connection; userN is N from 0 to USERS - 1 in turn:
 *
 *     smtp     one message of SIZE bytes to userN@DOMAIN, command by command
 *     batch    100 of them, pipelined as far as RFC 2920 lets a client
 *     known    100 RCPT to users, in one write
 *     unknown  100 RCPT to users who do not exist, each another
 *     submit   STARTTLS, AUTH PLAIN as userN, and one message of 4 KiB to the next user
 *     full     TLS from the first byte, a full handshake, the greeting
 *     resumed  the same with the ticket of this thread's first connection
 *     imap     LOGIN and LOGOUT as userN@DOMAIN
 *     imaps    the same within TLS, a full handshake each
 *     lmtp     messages of SIZE bytes to userN, one after the other over a connection that stays: each counts as a round
 *     lmtp1    the same, one a connection
 *     pop3     USER, PASS, STAT and QUIT as userN, command by command
 *     open     the same with LIST and UIDL
 *     retr     RETR of all messages, one after the other: each counts as a round
 *     retrs    the same, 100 in one write
 *
 * Prints one line: seconds, rounds that succeeded, rounds that failed, and the
 * median and 99th percentile of a round in milliseconds. A round that should
 * have been resumed and was not has failed.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define BATCH          100
#define SUBMITTED_SIZE 4096

struct load;
struct talk;

struct kind {
	const char *name;
	bool (*round)(struct load *l, struct talk *t, long number);
	bool sends; /* SIZE, not PASSWORD */
};

struct load {
	const struct kind *kind;
	struct addrinfo   *address;
	long               count, users;
	double             until;
	const char        *password, *domain;
	char              *message;
	size_t             message_len;
	SSL_CTX           *tls;
	atomic_long        next, done, failed;
	double            *times; /* of each round, milliseconds; 0: not begun */
};

/* One connection of a thread; the TLS session outlives it. */
struct talk {
	int          fd;
	SSL         *ssl;
	SSL_SESSION *session;
	char         data[65536]; /* read and not taken: between at and end */
	size_t       at, end;
};

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
put(struct talk *t, const char *bytes, size_t len)
{
	if (t->ssl != NULL)
		return SSL_write(t->ssl, bytes, (int)len) == (int)len;
	while (len > 0) {
		ssize_t sent = send(t->fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool
put_text(struct talk *t, const char *text)
{
	return put(t, text, strlen(text));
}

static ssize_t
get(struct talk *t, char *into, size_t room)
{
	return t->ssl != NULL ? SSL_read(t->ssl, into, (int)room) : recv(t->fd, into, room, 0);
}

/* Reads more behind what is there; what is taken makes room. */
static bool
fill(struct talk *t)
{
	if (t->at > 0) {
		memmove(t->data, t->data + t->at, t->end - t->at);
		t->end -= t->at;
		t->at = 0;
	}
	if (t->end == sizeof t->data)
		return false;
	ssize_t got = get(t, t->data + t->end, sizeof t->data - t->end);
	t->end += got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* Reads one line into `line` (cut to its size, always with a NUL). */
static bool
read_line(struct talk *t, char *line, size_t size)
{
	char *end;
	while ((end = memchr(t->data + t->at, '\n', t->end - t->at)) == NULL)
		if (!fill(t))
			return false;
	size_t len = (size_t)(end - t->data) + 1 - t->at;
	size_t kept = len < size ? len : size - 1;
	memcpy(line, t->data + t->at, kept);
	line[kept] = '\0';
	t->at += len;
	return true;
}

/* The last line of an SMTP reply begins with this digit. */
static bool
smtp_reply(struct talk *t, char digit)
{
	char line[1024];
	do {
		if (!read_line(t, line, sizeof line))
			return false;
	} while (strlen(line) > 3 && line[3] == '-');
	return line[0] == digit;
}

/* A command and what its answer begins with. */
static bool
say(struct talk *t, char digit, const char *line)
{
	return put_text(t, line) && smtp_reply(t, digit);
}

static bool
smtp_round(struct load *l, struct talk *t, long number)
{
	char recipient[512];
	snprintf(recipient, sizeof recipient, "RCPT TO:<user%ld@%s>\r\n", number % l->users, l->domain);
	return smtp_reply(t, '2') && say(t, '2', "EHLO load.test\r\n") && say(t, '2', "MAIL FROM:<load@sender.test>\r\n") &&
	    say(t, '2', recipient) && say(t, '3', "DATA\r\n") && put(t, l->message, l->message_len) &&
	    smtp_reply(t, '2') && say(t, '2', "QUIT\r\n");
}

/* Envelope and DATA go with the text of the message before; DATA's answer must be seen before the text. */
static bool
batch_round(struct load *l, struct talk *t, long number)
{
	bool ok = smtp_reply(t, '2') && say(t, '2', "EHLO load.test\r\n");
	for (long i = 0; i < BATCH && ok; i++) {
		char envelope[512];
		snprintf(envelope, sizeof envelope, "MAIL FROM:<load@sender.test>\r\nRCPT TO:<user%ld@%s>\r\nDATA\r\n",
		    (number * BATCH + i) % l->users, l->domain);
		ok = (i == 0 || put(t, l->message, l->message_len)) && put_text(t, envelope) && (i == 0 || smtp_reply(t, '2')) &&
		    smtp_reply(t, '2') && smtp_reply(t, '2') && smtp_reply(t, '3');
	}
	return ok && put(t, l->message, l->message_len) && smtp_reply(t, '2') && say(t, '2', "QUIT\r\n");
}

static bool
recipients(struct load *l, struct talk *t, const char *name, long first, long among, char digit)
{
	char *all = malloc(BATCH * 512), *end = all;
	for (long i = 0; i < BATCH; i++)
		end += snprintf(end, 512, "RCPT TO:<%s%ld@%s>\r\n", name, (first + i) % among, l->domain);
	bool ok = smtp_reply(t, '2') && say(t, '2', "EHLO load.test\r\n") && say(t, '2', "MAIL FROM:<load@sender.test>\r\n") &&
	    put(t, all, (size_t)(end - all));
	free(all);
	for (long i = 0; i < BATCH && ok; i++)
		ok = smtp_reply(t, digit);
	return ok && say(t, '2', "QUIT\r\n");
}

static bool
known_round(struct load *l, struct talk *t, long number)
{
	return recipients(l, t, "user", number * BATCH, l->users, '2');
}

static bool
unknown_round(struct load *l, struct talk *t, long number)
{
	return recipients(l, t, "nobody", number * BATCH, 1L << 40, '5');
}

/* Handshake over the connection, resumed when the thread has a session. */
static bool
encrypt(struct load *l, struct talk *t)
{
	t->ssl = SSL_new(l->tls);
	if (t->ssl == NULL || !SSL_set_fd(t->ssl, t->fd))
		return false;
	if (t->session != NULL)
		SSL_set_session(t->ssl, t->session);
	return SSL_connect(t->ssl) == 1;
}

static bool
full_round(struct load *l, struct talk *t, long number)
{
	char line[1024];
	(void)number;
	return encrypt(l, t) && read_line(t, line, sizeof line) && SSL_shutdown(t->ssl) >= 0;
}

/* TLS 1.3 brings the ticket behind the handshake: with the greeting. */
static bool
resumed_round(struct load *l, struct talk *t, long number)
{
	bool had = t->session != NULL;
	bool ok = full_round(l, t, number) && (!had || SSL_session_reused(t->ssl));
	if (!had && ok)
		t->session = SSL_get1_session(t->ssl);
	return ok;
}

static bool
login(struct load *l, struct talk *t, long number)
{
	unsigned char plain[512], text[1024];
	char line[1100];
	int user = snprintf((char *)plain + 1, 250, "user%ld@%s", number % l->users, l->domain);
	int password = snprintf((char *)plain + user + 2, 250, "%s", l->password);
	plain[0] = '\0';
	EVP_EncodeBlock(text, plain, user + password + 2);
	snprintf(line, sizeof line, "AUTH PLAIN %s\r\n", (char *)text);
	return say(t, '2', line);
}

static bool
submit_round(struct load *l, struct talk *t, long number)
{
	char sender[512], recipient[512];
	snprintf(sender, sizeof sender, "MAIL FROM:<user%ld@%s>\r\n", number % l->users, l->domain);
	snprintf(recipient, sizeof recipient, "RCPT TO:<user%ld@%s>\r\n", (number + 1) % l->users, l->domain);
	return smtp_reply(t, '2') && say(t, '2', "EHLO load.test\r\n") && say(t, '2', "STARTTLS\r\n") && encrypt(l, t) &&
	    say(t, '2', "EHLO load.test\r\n") && login(l, t, number) && say(t, '2', sender) && say(t, '2', recipient) &&
	    say(t, '3', "DATA\r\n") && put(t, l->message, l->message_len) && smtp_reply(t, '2') && say(t, '2', "QUIT\r\n");
}

/* Reads to the line that begins with `tag` and expects OK behind it. */
static bool
imap_answer(struct talk *t, const char *tag)
{
	char line[2048];
	size_t len = strlen(tag);
	do {
		if (!read_line(t, line, sizeof line))
			return false;
	} while (strncmp(line, tag, len) != 0);
	return strncmp(line + len, " OK", 3) == 0;
}

static bool
imap_round(struct load *l, struct talk *t, long number)
{
	char line[1024];
	snprintf(line, sizeof line, "a LOGIN user%ld@%s %s\r\n", number % l->users, l->domain, l->password);
	return imap_answer(t, "*") && put_text(t, line) && imap_answer(t, "a") &&
	    put_text(t, "b LOGOUT\r\n") && imap_answer(t, "b");
}

static bool
imaps_round(struct load *l, struct talk *t, long number)
{
	bool ok = encrypt(l, t) && imap_round(l, t, number);
	if (ok)
		SSL_shutdown(t->ssl); /* the server may have closed already */
	return ok;
}

/* --- LMTP and POP3 ------------------------------------------------------------------ */

/* A round within a connection is over: what the next one is. False: there is none. */
static bool
next_round(struct load *l, long *number, double *begin)
{
	double end = now();
	l->times[*number] = (end - *begin) * 1000;
	*begin = end;
	long next = end < l->until ? atomic_fetch_add(&l->next, 1) : l->count;
	if (next >= l->count)
		return false;
	atomic_fetch_add(&l->done, 1);
	*number = next;
	return true;
}

static bool
lmtp_message(struct load *l, struct talk *t, long number)
{
	char envelope[512];
	snprintf(envelope, sizeof envelope, "MAIL FROM:<load@sender.test>\r\nRCPT TO:<user%ld@%s>\r\nDATA\r\n", number % l->users,
	    l->domain);
	return put_text(t, envelope) && smtp_reply(t, '2') && smtp_reply(t, '2') && smtp_reply(t, '3') &&
	    put(t, l->message, l->message_len) && smtp_reply(t, '2');
}

static bool
lmtp1_round(struct load *l, struct talk *t, long number)
{
	return smtp_reply(t, '2') && say(t, '2', "LHLO load.test\r\n") && lmtp_message(l, t, number) && say(t, '2', "QUIT\r\n");
}

static bool
lmtp_round(struct load *l, struct talk *t, long number)
{
	double begin = now();
	bool ok = smtp_reply(t, '2') && say(t, '2', "LHLO load.test\r\n");
	do
		ok = ok && lmtp_message(l, t, number);
	while (ok && next_round(l, &number, &begin));
	return ok && say(t, '2', "QUIT\r\n");
}

static bool
pop3_answer(struct talk *t, char *line, size_t size)
{
	return read_line(t, line, size) && line[0] == '+';
}

/* "+OK" and lines to the one with a dot alone. */
static bool
pop3_lines(struct talk *t)
{
	char line[128];
	bool ok = pop3_answer(t, line, sizeof line);
	while (ok && strcmp(line, ".\r\n") != 0)
		ok = read_line(t, line, sizeof line);
	return ok;
}

static bool
pop3_login(struct load *l, struct talk *t, long number, long *messages)
{
	char line[1024], answer[512];
	snprintf(line, sizeof line, "USER user%ld@%s\r\n", number % l->users, l->domain);
	if (!pop3_answer(t, answer, sizeof answer) || !put_text(t, line) || !pop3_answer(t, answer, sizeof answer))
		return false;
	snprintf(line, sizeof line, "PASS %s\r\n", l->password);
	if (!put_text(t, line) || !pop3_answer(t, answer, sizeof answer) || !put_text(t, "STAT\r\n") ||
	    !pop3_answer(t, answer, sizeof answer))
		return false;
	*messages = atol(answer + 4);
	return true;
}

static bool
pop3_quit(struct talk *t)
{
	char line[512];
	return put_text(t, "QUIT\r\n") && pop3_answer(t, line, sizeof line);
}

static bool
pop3_round(struct load *l, struct talk *t, long number)
{
	long messages;
	return pop3_login(l, t, number, &messages) && pop3_quit(t);
}

static bool
open_round(struct load *l, struct talk *t, long number)
{
	long messages;
	return pop3_login(l, t, number, &messages) && put_text(t, "LIST\r\n") && pop3_lines(t) && put_text(t, "UIDL\r\n") &&
	    pop3_lines(t) && pop3_quit(t);
}

/* RETR of all messages, `ahead` in one write. */
static bool
retrieve(struct load *l, struct talk *t, long number, long ahead)
{
	char commands[BATCH * 32], *end;
	long messages, asked = 0;
	double begin = now();
	bool ok = pop3_login(l, t, number, &messages) && messages > 0;
	for (long got = 0; ok && got < messages; got++) {
		if (got == asked) {
			end = commands;
			for (long i = 0; i < ahead && asked < messages; i++)
				end += sprintf(end, "RETR %ld\r\n", ++asked);
			ok = put(t, commands, (size_t)(end - commands));
		}
		/* The last one is this connection's round. */
		ok = ok && pop3_lines(t) && (got == messages - 1 || next_round(l, &number, &begin));
	}
	return ok && pop3_quit(t);
}

static bool
retr_round(struct load *l, struct talk *t, long number)
{
	return retrieve(l, t, number, 1);
}

static bool
retrs_round(struct load *l, struct talk *t, long number)
{
	return retrieve(l, t, number, BATCH);
}

static const struct kind kinds[] = {
    {"smtp", smtp_round, true}, {"batch", batch_round, true}, {"known", known_round, true}, {"unknown", unknown_round, true},
    {"submit", submit_round, false}, {"full", full_round, true}, {"resumed", resumed_round, true}, {"imap", imap_round, false},
    {"imaps", imaps_round, false}, {"lmtp", lmtp_round, true}, {"lmtp1", lmtp1_round, true},
    {"pop3", pop3_round, false}, {"open", open_round, false}, {"retr", retr_round, false}, {"retrs", retrs_round, false},
};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(name, kinds[i].name) == 0)
			return &kinds[i];
	return NULL;
}

static bool
one_round(struct load *l, struct talk *t, long number)
{
	struct timeval patience = {.tv_sec = 60};
	int yes = 1;
	t->fd = socket(l->address->ai_family, SOCK_STREAM, 0);
	if (t->fd < 0)
		return false;
	t->at = t->end = 0;
	setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	bool ok = connect(t->fd, l->address->ai_addr, l->address->ai_addrlen) == 0 && l->kind->round(l, t, number);
	SSL_free(t->ssl);
	t->ssl = NULL;
	close(t->fd);
	return ok;
}

static void *
work(void *context)
{
	struct load *l = context;
	struct talk t = {.fd = -1};
	for (;;) {
		double begin = now();
		long number = begin < l->until ? atomic_fetch_add(&l->next, 1) : l->count;
		if (number >= l->count)
			break;
		bool ok = one_round(l, &t, number);
		atomic_fetch_add(ok ? &l->done : &l->failed, 1);
		l->times[number] = (now() - begin) * 1000;
	}
	SSL_SESSION_free(t.session);
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static bool
make_message(struct load *l, size_t size)
{
	static const char head[] = "From: load@sender.test\r\nTo: someone\r\nSubject: load\r\n\r\n";
	static const char line[] = "All work and no play makes a mail server a dull daemon, says load.\r\n";
	l->message = malloc(size + sizeof head + sizeof line + 8);
	if (l->message == NULL)
		return false;
	char *end = stpcpy(l->message, head);
	while ((size_t)(end - l->message) < size)
		end = stpcpy(end, line);
	end = stpcpy(end, ".\r\n");
	l->message_len = (size_t)(end - l->message);
	return true;
}

static void
run(struct load *l, long connections)
{
	pthread_t threads[connections];
	double begin = now();
	for (long i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, work, l) != 0)
			exit(111);
	for (long i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	double seconds = now() - begin;
	long rounds = atomic_load(&l->done) + atomic_load(&l->failed);
	qsort(l->times, (size_t)rounds, sizeof *l->times, by_size);
	printf("%.3f %ld %ld %.2f %.2f\n", seconds, atomic_load(&l->done), atomic_load(&l->failed),
	    rounds > 0 ? l->times[rounds / 2] : 0, rounds > 0 ? l->times[rounds * 99 / 100] : 0);
}

int
main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct load l = {.kind = argc > 1 ? find_kind(argv[1]) : NULL};
	if ((argc != 9 && argc != 10) || l.kind == NULL) {
		fprintf(stderr, "usage: load KIND HOST PORT CONNECTIONS COUNT SIZE|PASSWORD USERS DOMAIN [SECONDS]\n");
		return 100;
	}
	l.count = atol(argv[5]);
	l.password = argv[6];
	l.users = atol(argv[7]);
	l.domain = argv[8];
	l.until = now() + (argc == 10 ? atof(argv[9]) : 1e9);
	if (getaddrinfo(argv[2], argv[3], &hints, &l.address) != 0 || l.count < 1 || l.users < 1 || atol(argv[4]) < 1)
		return 100;
	l.times = calloc((size_t)l.count, sizeof *l.times);
	l.tls = SSL_CTX_new(TLS_client_method());
	if (l.times == NULL || l.tls == NULL || !make_message(&l, l.kind->sends ? (size_t)atol(argv[6]) : SUBMITTED_SIZE))
		return 111;
	signal(SIGPIPE, SIG_IGN);
	run(&l, atol(argv[4]));
	return 0;
}
