/* A session's process from the fork to its end (postern-pop3). */
#ifndef POP3D_START_H
#define POP3D_START_H

#include "lib/front/handover.h"
#include "pop3d/session.h"

/* Of the sessions that start; set before the first one. */
extern struct policy pop3_policy;
#include "lib/store/quota_rules.h"

/* As set, before the first session. */
extern struct quota_rules start_quota_rules;

/* Redeems the ticket, confines itself to that Maildir, serves, exits. `mail_root` is closed once it is not needed. */
_Noreturn void start_session(const struct handover *h, int mail_root);

#endif
