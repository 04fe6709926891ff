/* A session with another server, for the files that have a part in it (remote_smtp.c, _starttls.c, _login.c, _form.c, _envelope.c, _message.c). */
#ifndef QUEUE_REMOTE_SESSION_H
#define QUEUE_REMOTE_SESSION_H

#include "lib/base/stream.h"
#include "queue/remote_body.h"
#include "queue/remote_reply.h"
#include "queue/remote_smtp.h"

#define SERVER_MOST 400 /* NAME[ADDRESS]:PORT */
#define USER_MOST   255

enum form {
	FORM_TEXT,   /* as it is, with line ends made right */
	FORM_BINARY, /* as it is: RFC 3030 */
	FORM_SEVEN,  /* converted: lib/mail/seven_bit.h */
};

struct session {
	struct input         in;
	struct output        out;
	int                  fd;       /* the connection */
	int                  plain;    /* within TLS: the stream from tlsd; else -1 */
	char                 server[SERVER_MOST];
	const struct smtp_settings *settings;
	struct tls_plan     *plan;     /* while it is opened */
	struct errand       *errand;
	struct outcome      *trouble;
	struct reply         reply;
	bool                 lmtp, local; /* local: a Unix socket */
	bool                 verified; /* as the plan wants it: when TLS is required (REQUIRETLS), by names that nobody could forge */
	bool                 dead;     /* nothing more is said to it */
	bool                 dirty;    /* a transaction was begun and not ended: RSET is due */
	bool                 may_login; /* authd was asked for a login, and is asked again for another errand */
	char                 user[USER_MOST + 1]; /* that it is logged in as; "": it is not */
	size_t               most;     /* recipients of one transaction, as far as it has told; 0: it has not */
	/* What the answer to EHLO offers. */
	struct offers {
		size_t   lines;
		bool     pipelining, size, eight_bit, utf8, dsn, chunking, binary, starttls, require_tls;
		bool     auth, plain, login;          /* AUTH at all, its mechanisms */
		uint64_t size_most, mail_most, rcpt_most; /* of SIZE and LIMITS (RFC 9422); 0: any */
	} offers;
	/* How the errand's message is sent. */
	enum form            form;
	uint64_t             length;   /* of what is sent; that of the message, where nobody counted */
	bool                 chunk, eager; /* by BDAT; in one flight with the envelope */
};

/* The connection itself failed. Always false. */
bool session_broken(struct session *s, const char *step, enum reply_result r);
/* The server will not serve us now: what it last said, as trouble of the server's. Always false. */
bool session_unwilling(struct session *s, const char *step);
/* Sends what is buffered and reads one reply; false, with the trouble, when there is none. */
bool session_read(struct session *s, const char *name, enum smtp_step step);
/* The server is closing (RFC 5321 section 3.8): what it said counts for nobody. */
bool session_is_closing(const struct session *s);

/* --- remote_starttls.c: false, with the trouble, when the session must end ----------------- */

/* Hands the connection to tlsd. */
bool session_begin_tls(struct session *s);
/* STARTTLS, if the plan wants it; what was known of the server before is forgotten then. */
bool session_starttls(struct session *s);

/* --- remote_login.c ------------------------------------------------------------------------- */

/* AUTH, if authd has a login for this next hop. False: the session must end; the errand may be over (the login was refused). */
bool session_login(struct session *s);
/* Whether the login that the session has (or has not) is the one that this errand wants. */
bool session_login_fits(struct session *s, const struct errand *e);

/* --- remote_form.c -------------------------------------------------------------------------- */

/* Chooses how the message is sent. True when all recipients have an outcome instead, as it cannot be. */
bool session_is_hopeless(struct session *s);
/* RFC 6531 section 3.4: the parameter SMTPUTF8 is for who needs it, and a server without the extension can have the others. */
bool session_needs_utf8(const struct session *s);
/* The message in its form, through `body`, which counts. False: the file could not be read. */
bool session_write_message(struct session *s, struct body *body);

/* --- remote_envelope.c ------------------------------------------------------------------------ */

/* One transaction for recipients that are due. True: at least one has ended. False: the connection is over. */
bool session_transact(struct session *s);

/* --- remote_message.c ------------------------------------------------------------------------- */

/* What may follow the envelope without waiting: DATA, or the message as one chunk. False: the file could not be read. */
bool session_send_early(struct session *s);
/* The message to those that are TAKEN; `early`: the above was sent. False: the connection is over. */
bool session_send_message(struct session *s, bool early);

#endif
