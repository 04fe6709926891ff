/*
 * The daemon behind a gate (postern-imap, postern-pop3): listens where the
 * front hands clients over, and forks a child for each session. The parent reads
 * nothing of a client; the child's first steps are arrive().
 */
#ifndef FRONT_SESSIONS_H
#define FRONT_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/program.h"
#include "lib/base/siphash.h"
#include "lib/front/account.h"
#include "lib/front/handover.h"
#include "lib/front/tally.h"
#include "lib/front/telling.h"
#include "lib/ipc/server.h"
#include "lib/store/maildir.h"

/*
 * What a session needs for a folder: 64 bytes a message (struct message, and an
 * eighth more that the array has in store), its name and 7 to 10, of which
 * Postern's have about 65, 16 to 32 of a hash, and, while a folder without an
 * index is read, a line of the UID list, about 75, and 36 to put it in order.
 * That is 282 at most with such names, 282 MB for 1,000,000 messages; commands
 * have 64 MiB beside that (promise 10), and the rest is reserve for longer
 * names.
 */
#define SESSION_MEMORY "384M"
#define SESSION_MEMORY_SETTING(sessions) \
	{"session_memory", SETTING_SIZE, SESSION_MEMORY, "memory of a session; 384M do for 1,000,000 messages in a folder", \
	    &(sessions).memory, 16 << 20, INT64_MAX}
#define SESSION_MEMORY_MOST ((size_t)384 << 20) /* the same, for contracts */
extern const char session_memory_hint[];

struct sessions {
	/* Set by the program. */
	const char *front;        /* the user whose front hands over: "postern-imapd" */
	const char *mail_root;    /* the directory that all Maildirs are beneath */
	const char *new_folders;  /* lib/store/new_maildir.h */
	uint64_t    memory;       /* bytes of address space that the parent and each session may have */
	uint64_t    most;         /* sessions at a time; more clients are told to come later */
	const char *most_setting; /* the setting that says so, for the log's hint */
	uint64_t    most_of_user; /* sessions of one user at a time; 0: any number */
	const char *user_setting; /* the setting that says so */
	int64_t     patience;     /* after SIGTERM, told to the sessions: ms until they are killed. 0: they go on without us */
	struct service service;   /* its name is the socket: "imap/session" */
	/*
	 * A session, in its own process: it has the client, `mail_root` and the
	 * descriptors 0 to 2; SIGTERM and SIGCHLD are blocked. Its return ends
	 * the process.
	 */
	void (*serve)(const struct handover *h, int mail_root);

	/* Their own. */
	int    root;
	struct session_child {
		pid_t    pid;  /* 0: free */
		char    *user; /* as it said; NULL: not yet */
		uint64_t hash; /* of that */
	} *children; /* `most` of them */
	struct tally  tally;
	struct watch  words;
	struct telling authd; /* is told what sessions say */
	struct siphash_key key;
	size_t count;
	bool   ending;
};

/* Opens the mail root, listens, and confines the process to what the contract says (but for the memory) and the mail root. False, logged. One per process. */
bool sessions_start(struct sessions *s, const struct contract *c);
/* Serves until SIGTERM, and on for the sessions' patience. */
void sessions_run(void);

/*
 * A session's first steps: redeems the ticket at authd, so that it learns from
 * nobody else whose mail this is, opens his Maildir beneath `mail_root` (which is
 * closed; a Maildir that is not there is made) and confines the process to it
 * and to `c`. `*a` is opened with his limits and `rules`. Logs the login. False, logged: temporary trouble, which
 * the client is to be told; errno is EUSERS when the user has all the sessions that he may have. The process is to end.
 */
bool arrive(const struct handover *h, const char *service, int mail_root, const struct contract *c, struct maildir *m,
    struct account *a, const struct quota_rules *rules);

/* Those that this process runs, or is one of. */
const struct sessions *sessions_running(void);
/* Sessions of this user; in one of them: those that had said so when it was forked, without itself. */
size_t sessions_of_user(const char *user);
/* The contract with the memory that the settings give. */
struct contract sessions_contract(const struct contract *c);

#endif
