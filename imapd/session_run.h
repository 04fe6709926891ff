/* A session from its beginning: what postern-imap's child does. */
#ifndef IMAPD_SESSION_RUN_H
#define IMAPD_SESSION_RUN_H

#include "imapd/session.h"

#define SESSION_TAG_MOST 1024

/* What the front told. */
struct session_start {
	int         client;
	const char *id;
	const char *ticket;
	const char *tag;
	const char *address;
	bool        tls;
	const char *read_ahead; /* base64 */
};

/*
 * Redeems the ticket, opens the Maildir, confines the process to it and serves
 * until the end. SIGTERM must be blocked. Does not return.
 */
_Noreturn void session_run(const struct session_start *start, int mail_root, uint64_t append_most);

#endif
