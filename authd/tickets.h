/*
 * Tickets: what a front gets for a right password and a session redeems. One
 * use, 30 seconds, bound to one service, 160 random bits. Their number is
 * fixed, and children that are forked do not see them.
 */
#ifndef AUTHD_TICKETS_H
#define AUTHD_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_LETTERS   32
#define TICKET_SERVICE_MOST 15
#define TICKET_USER_MOST 320
#define TICKET_LIFE      30000 /* ms */
#define TICKETS_MOST     16384

struct ticket {
	int64_t due; /* clock_ms(); 0: free */
	char    letters[TICKET_LETTERS + 1];
	char    service[TICKET_SERVICE_MOST + 1];
	char    user[TICKET_USER_MOST + 1];
};

struct tickets {
	struct ticket *slots;
};

/* False without memory. */
bool tickets_begin(struct tickets *t);
/* Writes the ticket's letters and a NUL. False: all places are taken, or a name is too long. `now` is clock_ms(). */
bool tickets_issue(struct tickets *t, const char *user, const char *service, int64_t now, char letters[TICKET_LETTERS + 1]);
/* True once for a ticket that is right in all; it is used up in any case. */
bool tickets_redeem_at(struct tickets *t, const char *letters, const char *service, int64_t now,
    char user[TICKET_USER_MOST + 1]);
bool tickets_redeem(struct tickets *t, const char *letters, const char *service, char user[TICKET_USER_MOST + 1]);

#endif
