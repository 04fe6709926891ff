#include "tlsd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/sandbox/sandbox.h"
#include "tlsd/binding.h"
#include "tlsd/client_name.h"
#include "tlsd/own_memory.h"
#include "tlsd/reason.h"
#include "tlsd/relay.h"
#include "tlsd/signer.h"
#include "tlsd/tickets.h"

/* Of the acceptor's contract (postern-tlsd.c) a child keeps this. */
static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES,
	.memory = 64 << 20,
	.descriptors = 512, /* so many of this user's may be on their way to fronts at once (unix(7), ETOOMANYREFS) */
	.reaches = "nothing",
	.sockets = "its client, its front, and until the handshake is done a channel to the key process",
	.compromise = "this one session, under any client's name with client_ca; during its handshake the ticket keys and one signature",
};

/* What a session needs, beside what the acceptor gave. */
struct session {
	const struct child *child;
	SSL                *ssl;
	int                 channel;    /* to the key process */
	int                 plain;      /* our end */
	int                 plain_away; /* the front's end, until it was sent */
	struct str          client_name; /* by its certificate; empty: none */
	struct str          binding;
	struct packet       packet;
};

int
child_open_channel(int control)
{
	int ends[2];
	struct packet p;
	if (!socket_pair(ends))
		return -1;
	packet_begin(&p, "child");
	packet_add_descriptor(&p, ends[1]);
	bool announced = packet_send_wait(control, &p, -1) == PACKET_OK;
	close(ends[1]);
	if (announced)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* --- before the first byte of the network --------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void
child_close_others(int *kept, size_t count)
{
	qsort(kept, count, sizeof *kept, compare);
	unsigned from = STDERR_FILENO + 1;
	for (size_t i = 0; i < count; i++) {
		unsigned keep = (unsigned)kept[i];
		if (keep > from)
			close_range(from, keep - 1, 0);
		from = keep + 1;
	}
	close_range(from, ~0u, 0);
}

void
child_forget_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_IGN); /* meant for the acceptor, however it was sent */
}

/* A front may hand over anything; a file or a terminal would make our calls wait or fail in odd ways. */
static bool
is_stream_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return false;
	errno = ESOCKTNOSUPPORT;
	return type == SOCK_STREAM;
}

bool
child_prepare_peer(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (!is_stream_socket(fd) || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return false;
	/* What the front says is whole when it comes to us. Not every socket is TCP. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return true;
}

static bool
open_sockets(struct session *s)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	s->plain = ends[0];
	s->plain_away = ends[1];
	s->channel = child_open_channel(s->child->control);
	return s->channel >= 0;
}

/* --- the handshake ----------------------------------------------------------------------- */

static void
answer_failure(struct session *s, const char *why)
{
	const char *name = s->ssl != NULL ? SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
	log_warning("tls-failed", log_text("reason", why), log_text(name != NULL ? "name" : NULL, name));
	packet_begin(&s->packet, "no");
	packet_add_text(&s->packet, s->child->tag);
	packet_add_text(&s->packet, why);
	packet_send(s->child->requester, &s->packet);
}

/* NULL when it is ready, else why not to go on. */
static const char *
wait_for_peer(const struct child_handshake *h, short events, int64_t deadline)
{
	struct pollfd w[2] = {{.fd = h->peer, .events = events}, {.fd = h->requester, .events = 0}};
	int n = poll(w, 2, clock_poll_timeout(deadline));
	if (n == 0)
		return "the handshake took too long";
	if (n > 0 && w[1].revents != 0)
		return "the requester left";
	return n > 0 || errno == EINTR ? NULL : strerror(errno);
}

const char *
child_shake_hands(SSL *ssl, const struct child_handshake *h)
{
	int64_t deadline = clock_ms() + h->timeout;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int n = SSL_do_handshake(ssl);
		if (n == 1)
			return NULL;
		int error = SSL_get_error(ssl, n);
		if (error == SSL_ERROR_SYSCALL)
			return errno != 0 ? strerror(errno) : h->closed;
		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return h->reason();
		const char *why = wait_for_peer(h, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline);
		if (why != NULL)
			return why;
	}
}

static const char *
shake_hands(struct session *s)
{
	struct child_handshake h = {.peer = s->child->client, .requester = s->child->requester, .timeout = s->child->handshake_timeout,
	    .closed = "the client closed the connection", .reason = reason_in_words};
	SSL_set_accept_state(s->ssl);
	return child_shake_hands(s->ssl, &h);
}

/* The name by a certificate that was verified; else none, and why. */
static void
name_client(struct session *s)
{
	char subject[256] = "";
	X509 *certificate = SSL_get0_peer_certificate(s->ssl);
	if (certificate == NULL)
		return;
	long result = SSL_get_verify_result(s->ssl);
	const char *fault =
	    result == X509_V_OK ? client_name(certificate, &s->client_name) : X509_verify_cert_error_string(result);
	if (fault == NULL)
		return;
	str_clear(&s->client_name);
	X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
	log_info("client-not-named", log_text("reason", fault), log_text("subject", subject),
	    log_text("hint", "it goes on without a name; a certificate for a login is signed by a CA in client_ca and bears the login name"));
}

static bool
answer_success(struct session *s)
{
	const char *name = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	packet_begin(&s->packet, "ok");
	packet_add_text(&s->packet, s->child->tag);
	packet_add_text(&s->packet, SSL_get_version(s->ssl));
	packet_add_text(&s->packet, SSL_get_cipher_name(s->ssl));
	packet_add_text(&s->packet, name != NULL ? name : "");
	packet_add(&s->packet, str_slice(&s->client_name));
	packet_add(&s->packet, str_slice(&s->binding));
	packet_add_descriptor(&s->packet, s->plain_away);
	log_info("tls", log_text("version", SSL_get_version(s->ssl)), log_text("cipher", SSL_get_cipher_name(s->ssl)),
	    log_text(name != NULL ? "name" : NULL, name),
	    log_text(s->client_name.len > 0 ? "client" : NULL, str_text(&s->client_name)), log_text("resumed", SSL_session_reused(s->ssl) ? "yes" : "no"));
	/* In a burst of clients the kernel may want a moment for so many descriptors under way. */
	bool sent = packet_send_wait(s->child->requester, &s->packet, s->child->handshake_timeout) == PACKET_OK;
	if (!sent)
		log_warning("answer-not-sent", log_errno());
	close(s->plain_away);
	close(s->child->requester);
	close(s->channel);
	return sent;
}

static void
serve(struct session *s)
{
	s->ssl = SSL_new(s->child->context);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, s->child->client) != 1) {
		answer_failure(s, "no memory");
		return;
	}
	signer_use_channel(s->channel, s->child->key_timeout);
	const char *why = shake_hands(s);
	if (why != NULL) {
		answer_failure(s, why);
		return;
	}
	tickets_forget();
	name_client(s);
	binding_set(&s->binding, s->ssl);
	if (answer_success(s))
		relay_run(s->ssl, s->child->client, s->plain, s->child->handshake_timeout);
}

_Noreturn void
child_run(const struct child *child)
{
	static struct session s = {.client_name = STR_MOST(CLIENT_NAME_MOST), .binding = STR_MOST(BINDING_MOST)};
	s.child = child;
	own_memory_begin();
	log_session("session", child->tag);
	str_reserve(&s.binding, BINDING_MOST);
	child_forget_signals();
	if (!child_prepare_peer(child->client) || !open_sockets(&s)) {
		log_error("child-failed", log_errno());
		answer_failure(&s, "tlsd could not prepare the session");
		_exit(EXIT_TEMPORARY);
	}
	int kept[] = {child->client, child->requester, s.channel, s.plain, s.plain_away};
	child_close_others(kept, sizeof kept / sizeof *kept);
	struct contract own = contract;
	own.memory += child->inherited;
	if (!sandbox_enter(&own, NULL, 0))
		_exit(EXIT_TEMPORARY);
	serve(&s);
	_exit(EXIT_DONE); /* no atexit: OpenSSL's would clear what exit clears anyway */
}
