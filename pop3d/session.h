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
#include "pop3d/carried.h"
#include "pop3d/surrogate.h"
#include "pop3d/texts.h"
#include "pop3d/uidl.h"

#define SESSION_LINE_MOST  512    /* RFC 2449 section 4: 255 */
#define SESSION_IDLE       600000 /* ms without a command: RFC 1939 section 3 */
#define SESSION_WRITE_TIME 60000  /* ms for the client to take a byte */
#define SESSION_LOCK_TIME  5000   /* ms to wait for another session of this mailbox to end */
#define SESSION_LOCK_TOUCH 60     /* seconds: the lock shows that often that its session lives */
#define SESSION_LOOK       1000   /* ms between two looks at whether another login knocks */
#define SESSION_MISTAKES   50
#define SESSION_KEPT       "$POP3Kept" /* keyword: deleted by POP3, kept until it is older than pop3_keep */

/* The settings. */
struct policy {
	const char        *uidl_format;
	struct uidl_format uidl;        /* that, read */
	bool               uidl_long;   /* ids longer than RFC 1939 allows */
	bool               uidl_courier;
	bool               lock;        /* one session at a time */
	uint64_t           takeover;    /* seconds of silence after which a new login ends a session; 0: none does */
	uint64_t           keep;        /* seconds: younger mail is not removed; 0: it is */
	uint64_t           login_delay; /* seconds */
	const char        *expire;
};

enum mark {
	MARK_DELETED = 1 << 0,
	MARK_READ = 1 << 1, /* was sent whole: gets \Seen at QUIT, as Dovecot does */
};

/* A message as POP3 numbers them: those of INBOX but the kept ones. */
struct item {
	uint32_t index; /* in the folder */
	uint8_t  marks; /* enum mark */
};

struct session {
	const struct policy *policy;
	struct carried  carried;
	struct input    in;
	struct output   out;
	struct maildir  maildir;
	struct account  account;     /* what the mailbox may hold */
	struct folder   inbox;       /* read once */
	struct item    *items;       /* number 1 is the first */
	size_t          count;
	uint32_t        kept;        /* the bit of SESSION_KEPT; 0: there is no such keyword */
	struct dotlock  lock;
	int64_t         knock, knock_heard, lock_touched; /* session_lock.c */
	struct ids     *ids;         /* of UIDL, once it was asked for (session_uidl.c) */
	int64_t         heard;       /* clock_ms() of the last command */
	bool            done;
	unsigned        mistakes;
	uint64_t        sent, removed; /* messages, for the log */
	uint64_t        removed_new;   /* of those, from new/ */
	struct quota_amount gone;    /* what they took */
	struct surrogate surrogate; /* of a message that is being sent */
	char            buffer[65536]; /* of that too */
};

/*
 * Locks the Maildir that s->maildir is open on, reads INBOX and tells the
 * client that he is logged in (he waits for the answer to PASS or AUTH). False:
 * the client was told why not.
 */
bool session_open(struct session *s);
/* Serves until QUIT, the end or silence. */
void session_serve(struct session *s);
/* Gives the lock back and says what the session has done; the process is to end. */
void session_close(struct session *s);

/* A command with what is behind its name; false: no such command. (session_commands.c) */
bool session_command(struct session *s, struct slice line);
/* A line of LIST or UIDL: the message's number and the value, behind `before`. (session_commands.c) */
void session_row(struct session *s, const char *before, size_t item, struct slice value);
/* UIDL of one message (its number - 1), or with SIZE_MAX of all. (session_uidl.c) */
void session_uidl(struct session *s, size_t number);
/* At the session's end: tells the administrator of ids that had to be changed. */
void session_uidl_close(const struct session *s);
/* State UPDATE. True when all that was marked is gone, durable. (session_update.c) */
bool session_update(struct session *s);

/* One session at a time. False with errno, ETIMEDOUT: another session has it. (session_lock.c) */
bool session_lock(struct session *s);
void session_unlock(struct session *s);
/* Shows that we live. True: another login waits, and this session has been silent so long that it is to go. */
bool session_lock_look(struct session *s);

/* pop3_login_delay: false when the last login is younger; else this one counts. (session_lock.c) */
bool session_login_delay(struct session *s);

void session_ok(struct session *s, enum text text);
void session_error(struct session *s, const char *code, enum text text);

/* Sends a message of `size` bytes as it is between +OK and the dot, with `lines` lines of its body (SIZE_MAX: all). (send.c) */
void session_send(struct session *s, int fd, uint64_t size, size_t lines);

#endif
