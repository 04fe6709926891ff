/* Where the mail of an address goes: transport(5)'s order. */
#ifndef AUTHD_TRANSPORT_H
#define AUTHD_TRANSPORT_H

#include "authd/resolve.h"

/* user+extension@domain, user@domain, domain, ".parent" of each parent domain, "*". */
enum verdict find_transport(struct resolution *r, const struct parts *p, struct slice *transport);
/* The first three alone: a wildcard that is meant for other hosts must not take the mail of our own users along. */
enum verdict find_own_transport(struct resolution *r, const struct parts *p, struct slice *transport);

#endif
