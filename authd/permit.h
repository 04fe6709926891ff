/*
 * Which of a login's rows count now: a service may be switched off for the user
 * (columns such as disableimap), a password may serve from some networks only
 * (allow_nets). The event loop decides, before a worker sees a hash.
 */
#ifndef AUTHD_PERMIT_H
#define AUTHD_PERMIT_H

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct permit {
	struct str  rows; /* those that count, as rows.h has them; empty: none */
	struct str  user; /* who logs in by them: of the columns user, or username and domain; empty: the login itself */
	const char *why;  /* why rows were left out: for the log; NULL: none was */
	bool        trouble; /* a row could not be judged: its allow_nets is no list of networks */
};

/* Free it with permit_free(). False: no memory. */
bool permit_rows(struct permit *p, struct slice rows, const char *service, const char *client);
void permit_free(struct permit *p);

#endif
