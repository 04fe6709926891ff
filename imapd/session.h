/*
 * The conversation after login (postern-imap): one process, one user, one
 * Maildir. A command is a function in its own file; commands.c has the table.
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "imapd/body.h"
#include "imapd/dialect.h"
#include "imapd/gather.h"
#include "imapd/parse.h"
#include "imapd/sequence.h"
#include "imapd/view.h"
#include "lib/front/account.h"
#include "lib/store/maildir.h"

#define SESSION_COMMAND_MOST 65536     /* bytes of a command, with the literals held in memory */
#define SESSION_SCRATCH_MOST (20 << 20) /* bytes that a command may take while it runs: COPY some hundred a message */
#define SESSION_IDLE         1800000   /* ms without a command: RFC 3501 section 5.4 */
#define SESSION_MISTAKES     50        /* BADs in a row */
#define SESSION_WRITE_TIME   120000    /* ms for the client to take what is written */

struct notify;

struct session {
	struct input   in;
	struct output  out;
	struct gather  gather;
	struct scratch scratch;
	struct maildir maildir;
	struct account account;  /* what the mailbox may hold */
	struct view    view;     /* the selected folder */
	struct body    body;     /* the message read last */
	struct dialect dialect;  /* what the client has enabled */
	struct slice   tag;      /* of the command under way */
	bool           by_uid;   /* it is a UID command */
	bool           done;
	unsigned       mistakes;
	uint64_t       append_most; /* bytes of a message that APPEND takes */
	bool           compresses;  /* from the next answer on (RFC 4978) */
	bool           busy;     /* a command is carried out */
	int            watch;    /* inotify of IDLE, from the first one on, or -1 */
	int            watched[3]; /* what IDLE watches: its watches, or directories that dnotify watches (watch.c) */
	size_t         watched_count;
	bool           watched_by_signal;
	struct notify *notify;   /* what the client is told at any time (RFC 5465), or NULL */
	struct metadata_watch *watched_metadata; /* what ENABLE METADATA and NOTIFY tell of, or NULL (metadata_news.c) */
};

/* How a command ended; the dispatcher writes it after the untagged responses. */
struct answer {
	enum { ANSWER_OK, ANSWER_NO, ANSWER_BAD, ANSWER_NONE } status; /* NONE: all is said already */
	const char *code; /* "TRYCREATE", or NULL; literals or scratch memory */
	const char *text;
};

struct answer answer_ok(const char *text);
struct answer answer_ok_code(const char *code, const char *text);
struct answer answer_no(const char *code, const char *text);
struct answer answer_bad(const char *text);
/* RFC 9586 section 3: there is a message number in the command. */
struct answer answer_uid_required(void);
/* The code of an OK with which the client is told how far it knows the folder, if it has enabled QRESYNC (RFC 7162 section 3.2.7). */
extern const char answer_highest[];
/* RFC 9208 section 5.1: the mailbox is full. */
struct answer answer_over_quota(void);
/* RFC 5464 section 4.3: an annotation's value is too large. */
struct answer answer_metadata_size(void);
/* A NO for errno after a call of lib/store; logs what is the machine's trouble. */
struct answer answer_errno(const char *doing);

typedef struct answer command_function(struct session *s, struct parser *p);

command_function cmd_append, cmd_capability, cmd_check, cmd_close, cmd_compress, cmd_copy, cmd_create, cmd_delete, cmd_enable,
    cmd_examine, cmd_expunge, cmd_fetch, cmd_getmetadata, cmd_getquota, cmd_getquotaroot, cmd_id, cmd_idle, cmd_list, cmd_logout, cmd_lsub, cmd_move, cmd_namespace,
    cmd_noop, cmd_notify, cmd_rename, cmd_replace, cmd_search, cmd_select, cmd_setmetadata, cmd_setquota, cmd_sort, cmd_status, cmd_store, cmd_subscribe, cmd_thread, cmd_unselect,
    cmd_unsubscribe;

/* What CAPABILITY says after the login. */
extern const char session_capability[];

/* Parses and carries out the gathered command, and answers it. */
void session_command(struct session *s);
/* For gather.streams: an APPEND or REPLACE whose message is what comes next; for gather.streams_on: so it goes on. (append.c) */
bool session_streams(struct slice so_far);
bool session_streams_on(struct slice so_far);
/* Behind a command: literals of it that nobody took, and that the client sends unasked, are read and forgotten. (append.c) */
void session_drain(struct session *s);

/* Looks at the selected folder. False: the session cannot go on with it, and has said BYE. */
bool session_refresh(struct session *s);

/* Writes "* BYE text" and ends the session after this command. */
void session_bye(struct session *s, const char *text);

/* Message numbers or UIDs of a command as indexes: one by one. */
struct targets {
	struct sequence_set set;
	size_t              index; /* where to look next */
	bool                gone;  /* a message that was asked for is there no more */
	bool                by_uid;
};

/* Reads a sequence set behind a space. False: *answer says why. */
bool targets_parse(struct session *s, struct parser *p, struct targets *t, struct answer *answer);
/* Binds "*" to the view; for UID EXPUNGE and SEARCH too. False: a number beyond the folder. */
bool targets_resolve(struct session *s, struct targets *t);
/* The LIST line of a folder, which SELECT tells (RFC 9051 section 6.3.2); the store's name. False with errno. (cmd_list.c) */
bool list_tell(struct session *s, struct slice name);
/* "* OK [CLOSED]": the selected folder is selected no more (RFC 7162 section 3.2.11, RFC 9051 section 7.1). (cmd_select.c) */
void session_leave_folder(struct session *s);
/* Removes what is marked \Deleted, of the targets' UIDs if there are some, and counts it; the quota is told. False with errno. (cmd_expunge.c) */
bool session_expunge(struct session *s, const struct targets *t, size_t *count);
/* Behind account_done(), when what was taken is in its place: warns the user when that has crossed a percentage of his quota. (warn.c) */
void session_warn(struct session *s);
/* The next message, or NULL at the end. Skips what has vanished. */
struct message *targets_next(struct session *s, struct targets *t, size_t *index);

#endif
