/* A session from its beginning: what postern-imap's child does. */
#ifndef IMAPD_SESSION_RUN_H
#define IMAPD_SESSION_RUN_H

#include "imapd/session.h"
#include "lib/front/handover.h"

/*
 * Redeems the ticket, opens the Maildir, confines the process to it and serves
 * until the end. SIGTERM must be blocked. Does not return.
 */
_Noreturn void session_run(const struct handover *h, int mail_root, uint64_t append_most, const struct quota_rules *rules);

#endif
