#include "lib/front/gate.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/front/encrypt.h"
#include "lib/front/handover.h"
#include "lib/front/neighbour.h"
#include "lib/front/proxy.h"
#include "lib/front/syslog.h"
#include "lib/ipc/socket.h"

bool
gate_arguments(const struct program *p, int argc, char **argv)
{
	log_beside_client();
	int at = program_begin(p, argc, argv);
	bool tls = at < argc && strcmp(argv[at], "--tls") == 0;
	if (at + tls != argc)
		program_usage(p);
	return tls;
}

/* Before each wait: what we said goes out, and no wait passes the time for the login. */
static void
before_wait(void *context)
{
	struct gate *g = context;
	output_flush(&g->out);
	int left = clock_poll_timeout(g->deadline);
	g->in.timeout = left < GATE_IDLE ? left : GATE_IDLE;
}

/* Where passwords may go in the clear, a suite without TLS is no mistake. */
static int
connect_tlsd(const struct gate *g, bool tls)
{
	return tls || !g->plain_without_tls ? neighbour_connect("tlsd/server") : socket_connect("tlsd/server", 0);
}

/* A client that left the network without a word is found within four minutes: its session may hold a lock (POP3) or a place. */
static void
keep_alive(int client)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 120}, {IPPROTO_TCP, TCP_KEEPINTVL, 30},
		{IPPROTO_TCP, TCP_KEEPCNT, 4},
	};
	/* Where it is no TCP connection there is nothing to keep alive. */
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		setsockopt(client, options[i].level, options[i].option, &options[i].value, sizeof options[i].value);
}

void
gate_open(struct gate *g, const char *service, const char *daemon, bool tls)
{
	g->service = service;
	g->daemon = daemon;
	random_letters(g->id, sizeof g->id - 1);
	log_session("session", g->id);
	g->deadline = clock_ms() + GATE_TIME;
	input_open(&g->in, STDIN_FILENO, GATE_IDLE);
	output_open(&g->out, STDOUT_FILENO, GATE_IDLE);
	g->in.before_wait = before_wait;
	g->in.context = g;
	peer_find(&g->peer, STDIN_FILENO);
	keep_alive(STDIN_FILENO);
	g->login.socket = neighbour_connect("authd/login");
	g->session = neighbour_connect(daemon);
	g->tlsd = connect_tlsd(g, tls);
	/* Nobody is kept out because nobody counts. */
	g->authd = NEIGHBOUR_NONE;
	if (g->login.socket >= 0)
		neighbour_open(&g->authd, "authd/lookup");
}

bool
gate_arrive(struct gate *g, const char **why)
{
	static struct packet p;
	*why = NULL;
	switch (proxy_take(STDIN_FILENO, g->proxy_networks, &g->peer)) {
	case PROXY_BROKEN:
		return false;
	case PROXY_SETTING_WRONG:
		*why = "try again later";
		return false;
	default:
		break;
	}
	if (lease_take(&g->lease, &g->authd, &p, g->service, &g->peer))
		return true;
	*why = "too many connections from your address";
	return false;
}

bool
gate_allows(struct gate *g, enum lease_kind kind)
{
	static struct packet p;
	return lease_allows(&g->lease, &g->authd, &p, kind, "", &g->peer);
}

bool
gate_encrypt(struct gate *g)
{
	g->encrypted = g->tlsd >= 0 && encrypt_client(&g->tlsd, GATE_TLS_TIME, g->id, g->peer.text, &g->in, &g->out, &g->tls);
	g->done = !g->encrypted;
	return g->encrypted;
}

bool
gate_hello(struct gate *g)
{
	const struct login_client client = {.service = g->service, .address = g->peer.text, .encrypted = g->encrypted,
	    .certificate = g->tls.client_name, .binding = g->tls.binding};
	if (g->login.socket >= 0 && login_hello(&g->login, &client) == LOGIN_OK)
		return true;
	log_warning("login-away", log_text("service", "authd/login"), log_text("client", g->peer.text));
	return false;
}

bool
gate_may_login(const struct gate *g)
{
	return g->encrypted || g->plain_without_tls;
}

bool
gate_mistake(struct gate *g)
{
	if (++g->mistakes < GATE_MISTAKES)
		return true;
	log_info("too-many-mistakes", log_text("client", g->peer.text));
	return false;
}

/* One challenge there and one response back. */
static enum exchange
carry(struct gate *g, struct login_answer *answer, enum input_result *why)
{
	struct slice line;
	output_text(&g->out, "+ ");
	output_slice(&g->out, str_slice(&answer->text));
	output_text(&g->out, "\r\n");
	login_answer_free(answer);
	*why = input_line(&g->in, LOGIN_BLOB_MOST, &line);
	if (*why != INPUT_OK)
		return EXCHANGE_BROKEN;
	line.len -= slice_ends(line, "\r\n") ? 2 : 1;
	if (slice_is(line, "*"))
		return EXCHANGE_CANCELLED;
	login_continue(&g->login, line, answer);
	return EXCHANGE_OVER;
}

enum exchange
gate_exchange(struct gate *g, struct login_answer *answer, enum input_result *why)
{
	enum exchange state = EXCHANGE_OVER;
	while (state == EXCHANGE_OVER && answer->result == LOGIN_MORE)
		state = carry(g, answer, why);
	if (state != EXCHANGE_OVER)
		login_cancel(&g->login);
	if (state == EXCHANGE_BROKEN)
		g->done = true;
	return state;
}

/* What we said goes out before: after it the client is no longer ours to talk to. */
static enum handover_result
hand_over(struct gate *g, struct slice command, const char *ticket)
{
	const struct handover h = {.id = g->id, .ticket = ticket, .command = command, .address = g->peer.text,
	    .encrypted = g->encrypted, .client = STDIN_FILENO};
	output_flush(&g->out);
	return handover_send(g->session, g->daemon, &h, &g->in);
}

static enum conclusion
conclude(struct gate *g, struct slice command, const struct login_answer *answer)
{
	switch (answer->result) {
	case LOGIN_OK:
		g->done = hand_over(g, command, answer->ticket) != HANDOVER_REFUSED;
		return g->done ? CONCLUSION_GONE : CONCLUSION_LATER;
	case LOGIN_LATER:
		log_warning("login-later", log_text("client", g->peer.text), log_slice("reason", str_slice(&answer->text)));
		return CONCLUSION_LATER;
	default:
		log_info("login-failed", log_text("client", g->peer.text), log_slice("reason", str_slice(&answer->text)));
		g->done = ++g->failures >= GATE_FAILURES;
		return CONCLUSION_REFUSED;
	}
}

enum conclusion
gate_conclude(struct gate *g, struct slice command, struct login_answer *answer)
{
	enum conclusion c = conclude(g, command, answer);
	login_answer_free(answer);
	return c;
}
