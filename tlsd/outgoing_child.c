#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/packet.h"
#include "lib/sandbox/sandbox.h"
#include "tlsd/child.h"
#include "tlsd/outgoing.h"
#include "tlsd/reason.h"
#include "tlsd/relay.h"

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES,
	.memory = 64 << 20,
	.descriptors = 512, /* as the server's children */
	.reaches = "nothing",
	.sockets = "the other host and postern-remote",
	.compromise = "this one session with another host",
};

struct session {
	const struct outgoing  *asked;
	SSL                    *ssl;
	int                     plain, plain_away;
	struct outgoing_verdict verdict;
	struct packet           packet;
};

/* What happens every day. */
static const struct reason of_servers[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "it does not speak TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "it offers no version of TLS that we accept"},
    {SSL_R_VERSION_TOO_LOW, "it offers no version of TLS that we accept"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it offers no version of TLS that we accept"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "it closed the connection in the handshake"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "it refuses what we offer"},
    {SSL_R_TLSV1_ALERT_INTERNAL_ERROR, "it has trouble of its own"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it wants a certificate of ours"},
    {SSL_R_DH_KEY_TOO_SMALL, "its key exchange is too weak"},
};

static const char *
reason(void)
{
	return reason_of(of_servers, sizeof of_servers / sizeof *of_servers);
}

static void
answer_no(struct session *s, const char *why, bool certificate)
{
	log_info("tls-client-failed", log_text("reason", why), log_text("names", s->asked->names));
	packet_begin(&s->packet, "no");
	packet_add_text(&s->packet, s->asked->tag);
	packet_add_text(&s->packet, why);
	if (certificate)
		packet_add_text(&s->packet, "certificate");
	packet_send_wait(s->asked->requester, &s->packet, s->asked->handshake_timeout);
}

static bool
answer_ok(struct session *s)
{
	packet_begin(&s->packet, "ok");
	packet_add_text(&s->packet, s->asked->tag);
	packet_add_text(&s->packet, SSL_get_version(s->ssl));
	packet_add_text(&s->packet, SSL_get_cipher_name(s->ssl));
	packet_add_text(&s->packet, s->verdict.how);
	packet_add_text(&s->packet, s->verdict.note);
	packet_add_descriptor(&s->packet, s->plain_away);
	log_info("tls-client", log_text("version", SSL_get_version(s->ssl)), log_text("cipher", SSL_get_cipher_name(s->ssl)),
	    log_text("names", s->asked->names), log_text("how", s->verdict.how),
	    log_text(s->verdict.note[0] != '\0' ? "note" : NULL, s->verdict.note));
	bool sent = packet_send_wait(s->asked->requester, &s->packet, s->asked->handshake_timeout) == PACKET_OK;
	if (!sent)
		log_warning("answer-not-sent", log_errno());
	close(s->plain_away);
	close(s->asked->requester);
	return sent;
}

static const char *
shake_hands(struct session *s)
{
	struct child_handshake h = {.peer = s->asked->peer, .requester = s->asked->requester, .timeout = s->asked->handshake_timeout,
	    .closed = "it closed the connection in the handshake", .reason = reason};
	SSL_set_connect_state(s->ssl);
	return child_shake_hands(s->ssl, &h);
}

static void
serve(struct session *s)
{
	s->ssl = SSL_new(s->asked->context);
	const char *why = s->ssl != NULL && SSL_set_fd(s->ssl, s->asked->peer) == 1 ? outgoing_expect(s->ssl, s->asked) : "no memory";
	if (why == NULL)
		why = shake_hands(s);
	if (why != NULL) {
		answer_no(s, why, false);
		return;
	}
	outgoing_judge(s->ssl, s->asked, &s->verdict);
	if (!s->verdict.ok) {
		SSL_shutdown(s->ssl);
		answer_no(s, s->verdict.note, true);
		return;
	}
	if (answer_ok(s))
		relay_run(s->ssl, s->asked->peer, s->plain, s->asked->handshake_timeout);
}

_Noreturn void
outgoing_run(const struct outgoing *o)
{
	static struct session s;
	int ends[2] = {-1, -1};
	s.asked = o;
	log_session("queue", o->tag);
	child_forget_signals();
	if (!child_prepare_peer(o->peer) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		log_error("child-failed", log_errno());
		answer_no(&s, "tlsd could not prepare the session", false);
		_exit(EXIT_TEMPORARY);
	}
	s.plain = ends[0];
	s.plain_away = ends[1];
	int kept[] = {o->peer, o->requester, s.plain, s.plain_away};
	child_close_others(kept, sizeof kept / sizeof *kept);
	struct contract own = contract;
	own.memory += o->inherited;
	if (!sandbox_enter(&own, NULL, 0))
		_exit(EXIT_TEMPORARY);
	serve(&s);
	_exit(EXIT_DONE);
}
