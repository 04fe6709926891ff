/*
 * What this machine asks for the least that a program for each connection can
 * be: the floor that no change of ours goes beneath.
 *
 *     floor start COUNT PROGRAM   starts PROGRAM (nothing.c, static) COUNT times by vfork, two at a time
 *     floor tls PORT CHAIN        a process for each connection: fork, handshake by OpenSSL, a greeting, the end. Until it is ended
 */
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

extern char **environ;

static int
start(const char *program, long count)
{
	char *arguments[] = {"nothing", NULL};
	long under_way = 0;
	for (long i = 0; i < count; i++) {
		pid_t pid;
		if (under_way == 2 && wait(NULL) > 0)
			under_way--;
		if (posix_spawn(&pid, program, NULL, NULL, arguments, environ) != 0)
			return 1;
		under_way++;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static void
serve(SSL_CTX *context, int fd)
{
	char end;
	SSL *ssl = SSL_new(context);
	if (ssl == NULL || !SSL_set_fd(ssl, fd) || SSL_accept(ssl) != 1)
		_exit(1);
	SSL_write(ssl, "220 floor\r\n", 11);
	SSL_read(ssl, &end, 1);
	_exit(0);
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	return fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof here) == 0 && listen(fd, 128) == 0 ? fd : -1;
}

static int
serve_tls(uint16_t port, const char *chain)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int listening = listen_on(port);
	if (listening < 0 || context == NULL || SSL_CTX_use_certificate_chain_file(context, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, chain, SSL_FILETYPE_PEM) != 1)
		return 1;
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listening, NULL, NULL);
		if (fd >= 0 && fork() == 0)
			serve(context, fd);
		if (fd >= 0)
			close(fd);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "start") == 0)
		return start(argv[3], atol(argv[2]));
	if (argc == 4 && strcmp(argv[1], "tls") == 0)
		return serve_tls((uint16_t)atoi(argv[2]), argv[3]);
	return 100;
}
