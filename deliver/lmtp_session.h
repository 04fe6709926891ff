/*
 * One LMTP conversation (RFC 2033): all that is known about it. Lines and
 * answers are in lmtp_session.c, commands in lmtp_commands.c, DATA and BDAT in
 * lmtp_data.c and lmtp_bdat.c, the message's text in lmtp_text.c, the rest of
 * the suite in lmtp_services.c.
 */
#ifndef DELIVER_LMTP_SESSION_H
#define DELIVER_LMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "deliver/lmtp_text.h"
#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/base/stream.h"
#include "lib/front/neighbour.h"
#include "lib/ipc/packet.h"

/* Budgets. */
#define LMTP_LINE_MOST       2048      /* of a command; RFC 5321 section 4.5.3.1.4 asks for 512 and what parameters need */
#define LMTP_NAME_MOST       255       /* of LHLO */
#define LMTP_RECIPIENT_BYTES (2 << 20) /* memory for the recipients of one message */
#define LMTP_ERRORS_MOST     20        /* commands that were none */

struct lmtp_config {
	const char *hostname;
	const char *directory;
	uint64_t    message_size;
	bool        normalize; /* a bare CR or LF is a line end; else the message is refused */
	uint64_t    recipients_limit;
	uint64_t    timeout;
	uint64_t    over_quota_code; /* 452 or 552 */
	const char *over_quota_text;
};

/* Made before the confinement; what is lost stays lost. */
struct lmtp_services {
	struct neighbour lookup;  /* authd/lookup */
	struct neighbour deliver; /* lmtp/deliver */
	int              spool;   /* the unnamed file that holds the message */
	int              reading; /* the same file, for deliver to read alone */
	uint64_t         answered; /* the tag of the last delivery's answer */
};

#define LMTP_SERVICES_NONE ((struct lmtp_services){NEIGHBOUR_NONE, NEIGHBOUR_NONE, -1, -1, 0})

struct lmtp_session {
	const struct lmtp_config *config;
	struct lmtp_services      services;
	char                      id[9];
	char                      message_id[32]; /* session id, a dot, the message's number */
	char                      client[LMTP_NAME_MOST + 1]; /* as LHLO said; "": not yet */

	bool       begun;      /* MAIL was accepted */
	bool       smtputf8;   /* and said so */
	struct str sender;     /* empty: the null sender */
	struct str recipients; /* each with a NUL behind it */
	uint64_t   recipient_count;

	struct lmtp_text text;

	uint64_t    messages, delivered, errors;
	bool        closing;
	const char *end; /* why it ended, for the log */

	struct packet packet; /* scratch for one exchange */
	struct input  in;
	struct output out;
};

void lmtp_begin(struct lmtp_session *s, const struct lmtp_config *config);
void lmtp_run(struct lmtp_session *s);
void lmtp_end(struct lmtp_session *s);

/* The message that was begun is forgotten. */
void lmtp_reset(struct lmtp_session *s);
/* Nothing more can be read: ends the session. */
void lmtp_gone(struct lmtp_session *s, enum input_result why);

/* One line: code, enhanced code (RFC 2034; NULL: none belongs there), text. */
void lmtp_reply(struct lmtp_session *s, unsigned code, const char *enhanced, const char *text);
/* The answer that an outcome is, for a recipient (`address` NULL: for none). */
void lmtp_reply_outcome(struct lmtp_session *s, const struct outcome *o, const char *address);
/* A 5xx for a command that is none, or out of turn; too many end the session. */
void lmtp_error(struct lmtp_session *s, unsigned code, const char *enhanced, const char *text);
/* 421 and the end. */
void lmtp_close(struct lmtp_session *s, const char *enhanced, const char *text, const char *why);

/* Looks a command up and runs it (lmtp_commands.c). */
void lmtp_command(struct lmtp_session *s, struct slice line);
/* DATA (lmtp_data.c): there are recipients. */
void lmtp_data(struct lmtp_session *s);
/* BDAT (lmtp_bdat.c), with what stands behind the word. */
void lmtp_bdat(struct lmtp_session *s, struct slice argument);

#endif
