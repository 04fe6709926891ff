/*
 * One SMTP conversation (RFC 5321): all that is known about it, and the parts
 * of its life. The commands are in cmd_X.c, their table in command.c.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/base/stream.h"
#include "lib/dns/dns_ready.h"
#include "lib/front/lease.h"
#include "lib/front/neighbour.h"
#include "lib/front/peer.h"
#include "lib/ipc/packet.h"
#include "lib/ipc/tls.h"
#include "lib/sasl/login.h"
#include "smtpd/config.h"
#include "smtpd/message.h"
#include "lib/mail/parameters.h"

/* Budgets. RFC 4954 asks for 12,288 octets a line in AUTH. */
#define AUTH_LINE_MOST    (LOGIN_BLOB_MOST + 64)
#define HELO_MOST         255
#define LOGIN_NAME_MOST   512
#define QUEUE_ID_MOST     64
#define HOPS_MOST         100        /* Received: lines; RFC 5321 section 6.3 */
#define RECIPIENTS_BYTES  (2 << 20) /* memory for the recipients of one message */
#define HOLD_MOST         256      /* why mail is held, cut */

#define PATIENCE_TLS      60000      /* milliseconds to wait for tlsd */

/* Connections to the other programs, made before the confinement: what is lost stays lost. -1: not there. */
struct services {
	struct neighbour lookup; /* authd/lookup */
	struct neighbour queue;  /* queue/intake */
	int              tls;
	struct login     login;
};

#define SERVICES_NONE ((struct services){.lookup = NEIGHBOUR_NONE, .queue = NEIGHBOUR_NONE, .tls = -1, .login.socket = -1})

/* From MAIL to the end of DATA. */
struct envelope {
	bool       begun;
	uint64_t   size_most;      /* the least of what its recipients take, 0: no limit */
	struct str sender;         /* empty: the null sender */
	struct str recipients;     /* each with a NUL behind it */
	struct str recipient_keys; /* of each in the same order, with a NUL behind it: "notify=NEVER orcpt=...", or nothing */
	size_t     recipient_count;
	struct mail_parameters said;
	int64_t    begun_ms;
	char       queue_id[QUEUE_ID_MOST];
	char       hold[HOLD_MOST]; /* why it is accepted and held (the login is past a limit); "": it is not */
	bool       hold_notice;     /* the postmaster is to be told */
};

#define FORESEEN_MOST 31 /* recipients that are asked of authd ahead of their turn */

/* What authd said of recipients whose lines have come and had no turn yet (foresee.h). */
struct foreseen {
	struct str   addresses; /* each with a NUL behind it */
	struct slice left;      /* of them */
	size_t       asked, known, next;
	struct {
		unsigned char class;
		uint64_t      size_most;
	} ones[FORESEEN_MOST];
};

struct counts {
	uint64_t errors;     /* 5xx answers */
	uint64_t idle;       /* commands since the last message that bring none nearer */
	uint64_t messages;
	uint64_t recipients; /* of these messages */
	uint64_t unknown;    /* recipients that nobody knows */
	uint64_t refused;    /* MAIL, RCPT, DATA and AUTH that were refused */
};

/* What DNS said of names, where it was asked (rules.h). */
struct names {
	bool          helo_asked, sender_asked;
	enum dns_mail helo, sender;
};

struct session {
	const struct config *config;
	struct peer          peer;
	char                 id[9];
	bool                 relay_client; /* RELAYCLIENT, or a permitted network */
	bool                 may_xclient;
	unsigned             xclient;      /* the attributes that XCLIENT gave and nothing has taken back (cmd_xclient.c) */
	struct services      services;
	struct lease         lease;
	struct dns_ready     dns;
	struct names         names;

	bool             greeted;  /* EHLO or HELO was said */
	bool             esmtp;    /* it was EHLO */
	bool             encrypted;
	struct tls_facts tls;
	char             helo[HELO_MOST + 1];
	char             login_name[LOGIN_NAME_MOST]; /* "": not logged in */
	char             mechanism[32]; /* by which he logged in */
	struct filters  *filters; /* NULL: there are none (filters.h) */

	struct envelope envelope;
	struct message  message; /* its text, while it comes in */
	struct foreseen foreseen;
	struct counts   counts;
	int64_t         begun_ms;
	bool            closing; /* no more commands */
	const char     *end;     /* why the conversation ended, for the log */

	struct packet packet; /* scratch for one exchange */
	struct input  in;
	struct output out;
};

/* Sets up streams over the descriptors 0 and 1 and the id in the log. */
void session_begin(struct session *s, const struct config *config);
/* The greeting and all commands, until the conversation ends. */
void session_run(struct session *s);
/* "220 hostname": what is said first, and again after XCLIENT. */
void session_greet(struct session *s);
/* Says in the log how it went. */
void session_end(struct session *s);

/*
 * The next line without its CRLF. False when the session is over (then
 * closing is set). A line that ended otherwise or held a NUL or was too long has
 * been answered, and the next one is read.
 */
bool session_line(struct session *s, struct slice *line);

enum line_result {
	LINE_OK,
	LINE_BAD,  /* not a line by the rules; it has been answered */
	LINE_OVER, /* the session is over */
};

/* The same for one line: of a command's own dialogue (AUTH), which a bad line ends. */
enum line_result session_read(struct session *s, struct slice *line);

/*
 * Answers 500 to what is no line by the rules. Behind such a line of BDAT come
 * bytes that could be taken for commands: then the session ends.
 */
void session_bad_line(struct session *s, struct slice line, const char *problem);
/* One recipient more, with what RCPT said of him (NULL: nothing). False: there are too many, and nothing is changed. */
bool session_add_recipient(struct session *s, struct slice address, const struct rcpt_parameters *said);
/* The message that was begun is forgotten. */
void session_reset(struct session *s);
/* No byte will come or can be sent: ends the conversation without an answer. */
void session_gone(struct session *s, enum input_result why);

/* Users log in here (RFC 6409), or only may. */
bool session_is_submission(const struct session *s);
bool session_logged_in(const struct session *s);
/* May a user log in now? True when authd offered mechanisms and TLS is there where it must be. */
bool session_offers_auth(const struct session *s);
/* A field of a log line that is left out when there is nothing to tell. */
struct log_field session_fact(const char *key, const char *value);
/* Milliseconds to wait for authd's and for queued's answers. */
int session_lookup_patience(const struct session *s);
int session_queue_patience(const struct session *s);
/* STARTTLS may be said now. */
bool session_offers_tls(const struct session *s);

#endif
