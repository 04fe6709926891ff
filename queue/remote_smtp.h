/*
 * A session with one server, SMTP (RFC 5321) or LMTP (RFC 2033), for any number
 * of errands. Which server that is, and which session may be used for what, is
 * remote_kept.h's to know.
 */
#ifndef QUEUE_REMOTE_SMTP_H
#define QUEUE_REMOTE_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "queue/remote_errand.h"
#include "queue/remote_plan.h"

/* RFC 5321 section 4.5.3.2: what is waited for. */
enum smtp_step {
	STEP_GREETING,
	STEP_HELLO, /* EHLO, STARTTLS and its handshake, AUTH, RSET */
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_BLOCK, /* that a piece of the message can be written */
	STEP_FINAL, /* the answer to the message */
	STEP_COUNT,
};

/* What becomes of a message that the server cannot take as it is, because it takes seven bits or no binary parts. */
enum conversion { CONVERSION_CONVERT, CONVERSION_RETURN, CONVERSION_AS_IT_IS };

struct smtp_settings {
	const char     *hostname;
	int             times[STEP_COUNT]; /* ms */
	enum conversion conversion;
	bool            chunking;       /* BDAT for text too, where it saves a round trip */
	bool            login_in_clear; /* a password may go without TLS */
	uint64_t        reuse_idle, reuse_time, reuse_messages; /* ms, ms, errands; of one session */
};

struct session;

/*
 * Up to where an envelope may follow: greeting, EHLO or LHLO, TLS as the plan
 * wants it, login. `fd` is the session's from here on. False: this server is of
 * no use now, another may be tried unless the errand is over; `*trouble` says
 * why, and plan->failed when it was the handshake. session_end() is due in both cases.
 */
bool session_open(struct session *s, int fd, const char *server, const struct smtp_settings *settings, const struct route *route,
    struct tls_plan *plan, struct errand *e, struct outcome *trouble);
/* One errand. True: every recipient has its outcome. False: the session is over, those that have none can be tried elsewhere. */
bool session_carry(struct session *s, struct errand *e, struct outcome *trouble);
/* Says QUIT, if the server still listens, and closes. */
void session_end(struct session *s);
/* Whether another errand may follow: nobody has closed, and nothing was said that was not asked for. */
bool session_is_usable(const struct session *s);

#endif
