/*
 * A POP3 session after the login (postern-pop3): states TRANSACTION and
 * UPDATE of RFC 1939. One process, one user, one Maildir that it cannot leave.
 */
#ifndef POP3D_SESSION_H
#define POP3D_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/stream.h"
#include "lib/front/account.h"
#include "lib/store/dotlock.h"
#include "lib/store/folder.h"

#define SESSION_LINE_MOST  512    /* RFC 2449 section 4: 255 */
#define SESSION_IDLE       600000 /* ms without a command: RFC 1939 section 3 */
#define SESSION_WRITE_TIME 60000  /* ms for the client to take a byte */
#define SESSION_LOCK_TIME  5000   /* ms to wait for another session of this mailbox to end */
#define SESSION_LOCK_TOUCH 60     /* seconds: the lock shows that often that its session lives */
#define SESSION_MISTAKES   50

struct session {
	struct input   in;
	struct output  out;
	struct maildir maildir;
	struct account account;    /* what the mailbox may hold */
	struct folder  inbox;      /* read once; its messages 1 to count are the session's */
	bool          *deleted;    /* by index */
	bool          *read;       /* was sent whole: gets \Seen at QUIT, as Dovecot does */
	struct dotlock lock;
	int64_t        lock_touched;
	bool           done;
	unsigned       mistakes;
	uint64_t       sent, removed; /* messages, for the log */
	char           buffer[16384]; /* of a message that is being sent */
};

/*
 * Locks the Maildir that s->maildir is open on, reads INBOX and tells the
 * client that he is logged in (he waits for the answer to PASS or AUTH). False:
 * the client was told why not.
 */
bool session_open(struct session *s);
/* Serves until QUIT, the end or silence. */
void session_serve(struct session *s);
/* Gives lock and memory back. */
void session_close(struct session *s);

/* A command with what is behind its name; false: no such command. (session_commands.c) */
bool session_command(struct session *s, struct slice name, struct slice argument);

void session_ok(struct session *s, const char *text);
void session_error(struct session *s, const char *text);

/* Sends a message as it is between +OK and the dot, with `lines` lines of its body (SIZE_MAX: all). (send.c) */
void session_send(struct session *s, int fd, size_t lines);

#endif
