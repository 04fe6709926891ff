/*
 * Load for the benchmark, in C so that the generator is never the bound.
 *
 *     load smtp HOST PORT CONNECTIONS COUNT SIZE USERS DOMAIN
 *     load imap HOST PORT CONNECTIONS COUNT PASSWORD USERS DOMAIN
 *
 * CONNECTIONS threads share COUNT rounds. A round of smtp is one connection
 * with one message of SIZE bytes to userN@DOMAIN, of imap one connection with
 * LOGIN and LOGOUT as userN@DOMAIN, N from 0 to USERS - 1 in turn. Prints one
 * line: seconds, rounds that succeeded, rounds that failed, and the median and
 * 99th percentile of a round in milliseconds.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct load {
	bool            imap;
	struct addrinfo *address;
	long            count, users;
	const char     *password, *domain;
	char           *message;
	size_t          message_len;
	atomic_long     next, done, failed;
	double         *times; /* of each round, milliseconds; negative: failed */
};

struct talk {
	int    fd;
	char   data[8192];
	size_t len;
};

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

/* Reads one line into `line` (cut to its size, always with a NUL). */
static bool
read_line(struct talk *t, char *line, size_t size)
{
	for (;;) {
		char *end = memchr(t->data, '\n', t->len);
		if (end != NULL) {
			size_t len = (size_t)(end - t->data) + 1;
			size_t kept = len < size ? len : size - 1;
			memcpy(line, t->data, kept);
			line[kept] = '\0';
			t->len -= len;
			memmove(t->data, end + 1, t->len);
			return true;
		}
		if (t->len == sizeof t->data)
			return false;
		ssize_t got = recv(t->fd, t->data + t->len, sizeof t->data - t->len, 0);
		if (got <= 0)
			return false;
		t->len += (size_t)got;
	}
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

static bool
smtp_say(struct talk *t, char digit, const char *line)
{
	return send_all(t->fd, line, strlen(line)) && smtp_reply(t, digit);
}

static bool
smtp_round(struct load *l, struct talk *t, long number)
{
	char recipient[512];
	snprintf(recipient, sizeof recipient, "RCPT TO:<user%ld@%s>\r\n", number % l->users, l->domain);
	return smtp_reply(t, '2') && smtp_say(t, '2', "EHLO load.test\r\n") &&
	    smtp_say(t, '2', "MAIL FROM:<load@sender.test>\r\n") && smtp_say(t, '2', recipient) &&
	    smtp_say(t, '3', "DATA\r\n") && send_all(t->fd, l->message, l->message_len) && smtp_reply(t, '2') &&
	    smtp_say(t, '2', "QUIT\r\n");
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
	char login[1024];
	snprintf(login, sizeof login, "a LOGIN user%ld@%s %s\r\n", number % l->users, l->domain, l->password);
	return imap_answer(t, "*") && send_all(t->fd, login, strlen(login)) && imap_answer(t, "a") &&
	    send_all(t->fd, "b LOGOUT\r\n", 10) && imap_answer(t, "b");
}

static bool
one_round(struct load *l, long number)
{
	struct talk t = {.fd = socket(l->address->ai_family, SOCK_STREAM, 0)};
	struct timeval patience = {.tv_sec = 60};
	int yes = 1;
	if (t.fd < 0)
		return false;
	setsockopt(t.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(t.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	bool ok = connect(t.fd, l->address->ai_addr, l->address->ai_addrlen) == 0 &&
	    (l->imap ? imap_round(l, &t, number) : smtp_round(l, &t, number));
	close(t.fd);
	return ok;
}

static void *
work(void *context)
{
	struct load *l = context;
	for (;;) {
		long number = atomic_fetch_add(&l->next, 1);
		if (number >= l->count)
			return NULL;
		double begin = now();
		bool ok = one_round(l, number);
		atomic_fetch_add(ok ? &l->done : &l->failed, 1);
		l->times[number] = (now() - begin) * 1000;
	}
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
	qsort(l->times, (size_t)l->count, sizeof *l->times, by_size);
	printf("%.3f %ld %ld %.2f %.2f\n", seconds, atomic_load(&l->done), atomic_load(&l->failed),
	    l->times[l->count / 2], l->times[l->count * 99 / 100]);
}

int
main(int argc, char **argv)
{
	if (argc != 9) {
		fprintf(stderr, "usage: load smtp|imap HOST PORT CONNECTIONS COUNT SIZE|PASSWORD USERS DOMAIN\n");
		return 100;
	}
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct load l = {.imap = strcmp(argv[1], "imap") == 0, .count = atol(argv[5]), .password = argv[6],
		.users = atol(argv[7]), .domain = argv[8]};
	if (getaddrinfo(argv[2], argv[3], &hints, &l.address) != 0 || l.count < 1 || l.users < 1 || atol(argv[4]) < 1)
		return 100;
	l.times = calloc((size_t)l.count, sizeof *l.times);
	if (l.times == NULL || !make_message(&l, (size_t)atol(argv[6])))
		return 111;
	run(&l, atol(argv[4]));
	return 0;
}
