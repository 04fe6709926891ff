/* A session with another server, for the files that have a part in it (remote_smtp.c, _starttls.c, _envelope.c, _message.c). */
#ifndef QUEUE_REMOTE_SESSION_H
#define QUEUE_REMOTE_SESSION_H

#include "lib/base/stream.h"
#include "queue/remote_reply.h"
#include "queue/remote_smtp.h"

struct session {
	struct input         in;
	struct output        out;
	int                  fd;    /* the connection; the caller's */
	int                  plain; /* within TLS: the stream from tlsd, ours; else -1 */
	const char          *server;
	const struct smtp_settings *settings;
	struct tls_plan     *plan;
	struct errand       *errand;
	struct outcome      *trouble;
	struct reply         reply;
	bool                 verified; /* as the plan wants it: when TLS is required (REQUIRETLS), by names that nobody could forge */
	/* What the answer to EHLO offers. */
	struct offers {
		size_t   lines;
		bool     pipelining, size, eight_bit, utf8, dsn, chunking, binary, starttls, require_tls;
		uint64_t size_most;
	} offers;
};

/* The connection itself failed. Always false. */
bool session_broken(struct session *s, const char *step, enum reply_result r);
/* The server will not serve us now: what it last said, as trouble of the server's. Always false. */
bool session_unwilling(struct session *s, const char *step);
/* Reads one reply; false, with the trouble, when there is none. */
bool session_read(struct session *s, const char *step);
/* The server is closing (RFC 5321 section 3.8): what it said counts for nobody. */
bool session_is_closing(const struct session *s);

/* --- remote_starttls.c: false, with the trouble, when the session must end ----------------- */

/* Hands the connection to tlsd. */
bool session_begin_tls(struct session *s);
/* STARTTLS, if the plan wants it; what was known of the server before is forgotten then. */
bool session_starttls(struct session *s);

/* --- remote_envelope.c ------------------------------------------------------------------------ */

/* What can be said without asking the server: true when all have an outcome. */
bool session_is_hopeless(struct session *s);
/* The recipients' outcomes are done for those that were taken. False: the connection is over. */
bool session_send_envelope(struct session *s, size_t *taken);

/* --- remote_message.c ------------------------------------------------------------------------- */

/* DATA, or BDAT for what DATA cannot carry. False: the connection is over. */
bool session_send_message(struct session *s);

#endif
