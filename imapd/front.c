#include "imapd/front.h"

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
	f->scratch = SCRATCH_MOST(FRONT_SCRATCH_MOST);
	f->gather = (struct gather){
	    .in = &f->in, .out = &f->out, .text = STR_MOST(FRONT_COMMAND_MOST), .literal_most = FRONT_LITERAL_MOST};
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
	if (plain < 0) {
		log_info("tls-failed", log_text("client", f->address), log_text("reason", facts.reason));
		return false;
	}
	/* The client's own descriptor is closed by this: nothing can be said in the clear any more. */
	bool ok = dup2(plain, FRONT_CLIENT) == FRONT_CLIENT && dup2(plain, STDOUT_FILENO) == STDOUT_FILENO;
	close(plain);
	open_streams(f);
	f->encrypted = true;
	return ok;
}

enum login_result
front_hello(struct front *f)
{
	return login_hello(&f->login, "imap", f->address, f->encrypted);
}

bool
front_may_login(const struct front *f)
{
	return f->encrypted || f->plain_without_tls;
}

void
front_capability(struct front *f)
{
	output_text(&f->out, "CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID");
	if (f->tlsd >= 0)
		output_text(&f->out, " STARTTLS");
	if (!front_may_login(f)) {
		output_text(&f->out, " LOGINDISABLED");
		return;
	}
	struct slice rest = slice_of(f->login.mechanisms);
	struct slice mechanism;
	while (slice_split(&rest, ' ', &mechanism)) {
		output_text(&f->out, " AUTH=");
		output_slice(&f->out, mechanism);
	}
}

void
front_answer(struct front *f, struct slice tag, const char *status, const char *text)
{
	output_slice(&f->out, tag);
	output_format(&f->out, " %s %s\r\n", status, text);
}

void
front_bye(struct front *f, const char *text)
{
	output_format(&f->out, "* BYE %s\r\n", text);
	output_flush(&f->out);
	f->done = true;
}

void
front_bad(struct front *f, struct slice tag, const char *error)
{
	front_answer(f, tag.len > 0 ? tag : slice_of("*"), "BAD", error);
	if (++f->mistakes < FRONT_MISTAKES)
		return;
	log_info("too-many-mistakes", log_text("client", f->address));
	front_bye(f, "too many mistakes");
}

/* A command that was not gathered whole. */
static void
gather_failed(struct front *f, enum gather_result r)
{
	struct parser p = parser_over(str_slice(&f->gather.text), &f->scratch);
	struct slice tag = slice_make(NULL, 0);
	parse_tag(&p, &tag);
	switch (r) {
	case GATHER_TOO_BIG:
		front_bad(f, tag, "[TOOBIG] the literal is larger than a login takes");
		return;
	case GATHER_TOO_LONG:
		front_bad(f, slice_make(NULL, 0), "the command is too long");
		front_bye(f, "the command is too long");
		return;
	case GATHER_TIMEOUT:
		front_bye(f, "too slow; come again");
		return;
	default:
		f->done = true;
	}
}

void
front_serve(struct front *f)
{
	output_text(&f->out, "* OK [");
	front_capability(f);
	output_format(&f->out, "] %s ready\r\n", f->hostname);
	while (!f->done) {
		enum gather_result r = gather_command(&f->gather);
		if (r == GATHER_OK)
			front_command(f);
		else
			gather_failed(f, r);
		scratch_clear(&f->scratch);
		if (f->out.failed)
			f->done = true;
	}
	output_flush(&f->out);
}
