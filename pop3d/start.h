/* A session's process from the fork to its end (postern-pop3). */
#ifndef POP3D_START_H
#define POP3D_START_H

#include <stdbool.h>

/* What the front handed over. The texts are the packet's. */
struct start {
	const char *id;      /* of the conversation, in all log lines */
	const char *ticket;
	const char *address; /* the client's */
	bool        encrypted;
	const char *ahead;   /* bytes read ahead, base64 */
	int         client;
};

/* Redeems the ticket, confines itself to that Maildir, serves, exits. `mail_root` is closed once it is not needed. */
_Noreturn void start_session(const struct start *start, int mail_root);

#endif
