#include "pop3d/front.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/ipc/tls.h"

/* Before each wait: what we said goes out, and no wait passes the time for the login. */
static void
before_wait(void *context)
{
	struct front *f = context;
	output_flush(&f->out);
	int left = clock_poll_timeout(f->deadline);
	f->in.timeout = left < FRONT_IDLE ? left : FRONT_IDLE;
}

static void
open_streams(struct front *f)
{
	input_open(&f->in, FRONT_CLIENT, FRONT_IDLE);
	output_open(&f->out, STDOUT_FILENO, FRONT_IDLE);
	f->in.before_wait = before_wait;
	f->in.context = f;
}

void
front_open(struct front *f)
{
	f->tlsd = f->session = f->login.socket = -1;
	f->deadline = clock_ms() + FRONT_TIME;
	f->user = STR_MOST(FRONT_USER_MOST);
	open_streams(f);
	random_letters(f->id, sizeof f->id - 1);
	log_session("session", f->id);
}

void
front_find_address(struct front *f)
{
	union {
		struct sockaddr     any;
		struct sockaddr_in  four;
		struct sockaddr_in6 six;
	} peer = {.any.sa_family = AF_UNSPEC};
	socklen_t len = sizeof peer;
	const char *told = getenv("TCPREMOTEIP");
	unsigned char address[16];
	f->address[0] = '\0';
	if (told != NULL && (inet_pton(AF_INET, told, address) == 1 || inet_pton(AF_INET6, told, address) == 1)) {
		memcpy(f->address, told, strnlen(told, sizeof f->address - 1) + 1);
		return;
	}
	if (getpeername(FRONT_CLIENT, &peer.any, &len) < 0)
		return;
	if (peer.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &peer.four.sin_addr, f->address, sizeof f->address);
	else if (peer.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.six.sin6_addr))
		inet_ntop(AF_INET, &peer.six.sin6_addr.s6_addr[12], f->address, sizeof f->address);
	else if (peer.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &peer.six.sin6_addr, f->address, sizeof f->address);
}

bool
front_encrypt(struct front *f)
{
	struct tls_facts facts;
	int plain = tls_accept(f->tlsd, FRONT_CLIENT, FRONT_TLS_TIME, &facts);
	close(f->tlsd);
	f->tlsd = -1;
	if (plain < 0 || dup2(plain, STDIN_FILENO) < 0 || dup2(plain, STDOUT_FILENO) < 0) {
		log_info("tls-failed", log_text("client", f->address), log_text("reason", facts.reason));
		f->done = true;
		return false;
	}
	close(plain);
	f->encrypted = true;
	/* What was read before TLS must not act after it. */
	open_streams(f);
	str_clear(&f->user);
	return true;
}

enum login_result
front_hello(struct front *f)
{
	return login_hello(&f->login, "pop3", f->address, f->encrypted);
}

bool
front_may_login(const struct front *f)
{
	return f->encrypted || f->plain_without_tls;
}

void
front_ok(struct front *f, const char *text)
{
	output_format(&f->out, "+OK %s\r\n", text);
}

void
front_error(struct front *f, const char *text)
{
	output_format(&f->out, "-ERR %s\r\n", text);
}

void
front_mistake(struct front *f, const char *text)
{
	front_error(f, text);
	if (++f->mistakes < FRONT_MISTAKES)
		return;
	log_info("too-many-mistakes", log_text("client", f->address));
	f->done = true;
}

bool
front_line(struct front *f, struct slice *line)
{
	switch (input_line(&f->in, FRONT_LINE_MOST, line)) {
	case INPUT_OK:
		line->len -= slice_ends(*line, "\r\n") ? 2 : 1;
		return true;
	case INPUT_TOO_LONG:
		front_error(f, "the line is too long");
		break;
	case INPUT_TIMEOUT:
		front_error(f, "[SYS/TEMP] too slow; come again");
		break;
	default:
		break;
	}
	f->done = true;
	return false;
}

/* RFC 2449, RFC 2595, RFC 3206, RFC 5034 */
static void
do_capa(struct front *f, struct slice argument)
{
	(void)argument;
	front_ok(f, "what this server can do");
	output_text(&f->out, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n");
	if (f->tlsd >= 0)
		output_text(&f->out, "STLS\r\n");
	if (front_may_login(f)) {
		output_text(&f->out, "USER\r\n");
		if (f->login.mechanisms[0] != '\0')
			output_format(&f->out, "SASL %s\r\n", f->login.mechanisms);
	}
	output_text(&f->out, "IMPLEMENTATION Postern\r\n.\r\n");
}

static void
do_stls(struct front *f, struct slice argument)
{
	if (argument.len > 0 || f->encrypted) {
		front_mistake(f, f->encrypted ? "TLS is there already" : "STLS takes no argument");
		return;
	}
	if (f->tlsd < 0) {
		front_mistake(f, "TLS is not available");
		return;
	}
	front_ok(f, "begin TLS");
	output_flush(&f->out);
	if (!front_encrypt(f) || front_hello(f) == LOGIN_OK)
		return;
	front_error(f, "[SYS/TEMP] try again later");
	f->done = true;
}

static void
do_quit(struct front *f, struct slice argument)
{
	(void)argument;
	front_ok(f, "bye");
	f->done = true;
}

static void
do_command(struct front *f, struct slice line)
{
	static const struct {
		const char *name;
		void (*act)(struct front *f, struct slice argument);
	} commands[] = {
		{"CAPA", do_capa}, {"USER", front_user}, {"PASS", front_pass}, {"AUTH", front_auth},
		{"STLS", do_stls}, {"QUIT", do_quit},
	};
	size_t space = slice_find(line, ' ');
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_is_nocase(slice_first(line, space), commands[i].name))
			continue;
		commands[i].act(f, slice_from(line, space + 1));
		return;
	}
	front_mistake(f, "unknown command before the login");
}

void
front_serve(struct front *f)
{
	struct slice line;
	output_format(&f->out, "+OK %s ready\r\n", f->hostname);
	while (!f->done && front_line(f, &line)) {
		do_command(f, line);
		if (f->out.failed)
			f->done = true;
	}
	output_flush(&f->out);
}
