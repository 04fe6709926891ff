#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/tls.h"
#include "queue/remote_session.h"

#define PATIENCE 2000 /* ms: tlsd is being started anew */

/* The plan wants TLS and there will be none. Always false. */
static bool
no_tls(struct session *s, const char *code, const char *why)
{
	*s->trouble = outcome_make(code, "%s: %s", s->server, why);
	return false;
}

static void
log_peer(const struct session *s, const struct tls_peer *peer)
{
	log_info("tls", log_text("server", s->server), log_text("policy", policy_word(s->plan->policy)),
	    log_text("version", peer->version), log_text("cipher", peer->cipher), log_text("verified", peer->how),
	    log_text(s->plan->sts != NULL ? "sts" : NULL, s->plan->sts), log_text(peer->note[0] != '\0' ? "note" : NULL, peer->note));
}

static bool
fail(struct session *s, const struct tls_peer *peer)
{
	s->dead = true;
	log_warning("tls-failed", log_text("server", s->server), log_text("policy", policy_word(s->plan->policy)),
	    log_text(s->plan->sts != NULL ? "sts" : NULL, s->plan->sts), log_text("reason", peer->reason));
	s->plan->failed = true;
	/* Trouble on the way is no answer: only of a certificate it is known that it will not do. */
	if (s->errand->require_tls && peer->certificate)
		return no_tls(s, "5.7.30", peer->reason);
	*s->trouble = outcome_make("4.7.5", "%s: TLS failed: %s", s->server, peer->reason);
	return false;
}

bool
session_begin_tls(struct session *s)
{
	struct tls_wish wish;
	struct tls_peer peer = {.reason = "tlsd does not answer"};
	plan_wish(s->plan, &wish);
	wish.tag = s->errand->id;
	int tlsd = socket_connect("tlsd/client", PATIENCE);
	if (tlsd < 0)
		log_error("tlsd-away", log_errno(), log_text("hint", "is postern-tlsd running?"));
	else {
		s->plain = tls_connect(tlsd, s->fd, errand_patience(s->errand, s->settings->times[STEP_HELLO]), &wish, &peer);
		close(tlsd);
	}
	if (s->plain < 0)
		return fail(s, &peer);
	log_peer(s, &peer);
	s->verified = slice_is(slice_of(peer.how), "verified") || slice_is(slice_of(peer.how), "dane");
	input_open(&s->in, s->plain, s->settings->times[STEP_HELLO]);
	output_open(&s->out, s->plain, s->settings->times[STEP_HELLO]);
	return true;
}

/* It goes in clear, as it may. Who tests a policy (RFC 8461 section 5) wants to hear what an enforced one would have stopped. Always true. */
static bool
go_in_clear(const struct session *s, const char *why)
{
	if (s->plan->sts != NULL)
		log_warning("sts-in-clear", log_text("server", s->server), log_text("mode", s->plan->sts), log_text("reason", why));
	return true;
}

bool
session_starttls(struct session *s)
{
	enum tls_policy policy = s->plan->policy;
	if (policy == TLS_NONE)
		return go_in_clear(s, "TLS is not asked for, or it failed before");
	if (!s->offers.starttls)
		return policy == TLS_MAY ? go_in_clear(s, "it does not offer STARTTLS") : no_tls(s, s->errand->require_tls ? "5.7.30" : "4.7.4", "TLS is required and it does not offer it");
	output_text(&s->out, "STARTTLS\r\n");
	if (!session_read(s, "STARTTLS", STEP_HELLO))
		return false;
	if (session_is_closing(s))
		return session_unwilling(s, "STARTTLS");
	bool never = s->errand->require_tls && s->reply.code / 100 == 5;
	if (s->reply.code != 220)
		return policy == TLS_MAY ? go_in_clear(s, "it refuses STARTTLS now") : no_tls(s, never ? "5.7.30" : "4.7.4", "TLS is required and it refuses it now");
	/* What stands behind the answer came without TLS, whoever sent it: it would count as said within (RFC 3207 section 6). */
	s->dead = input_buffered(&s->in).len > 0;
	if (s->dead)
		return no_tls(s, "4.7.5", "something came behind its answer to STARTTLS, as if somebody stood in between");
	return session_begin_tls(s);
}
