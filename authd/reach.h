/* Whether mail to an address reaches a login, through aliases of aliases. */
#ifndef AUTHD_REACH_H
#define AUTHD_REACH_H

#include "authd/resolve.h"

/* So many addresses are looked at for one question; what lies behind more is not found (grant it with sql_senders). */
#define REACH_MOST 60

/* VERDICT_OK: it does. Loops end, since no address is looked at twice. */
enum verdict reaches(struct resolution *r, const struct parts *p, struct slice login);

#endif
