/* Where the mail of an address goes: transport(5)'s order. */
#ifndef AUTHD_TRANSPORT_H
#define AUTHD_TRANSPORT_H

#include "authd/resolve.h"

/* user+extension@domain, user@domain, domain, ".parent" of each parent domain, "*". */
enum verdict find_transport(struct resolution *r, const struct parts *p, struct slice *transport);
/* All but "*": a wildcard that is meant for other hosts must not take the mail of our own users along. */
enum verdict find_own_transport(struct resolution *r, const struct parts *p, struct slice *transport);
/* The host that takes what this sender sends to others; "<>" is asked for the null sender, and DUNNO is VERDICT_NO. */
enum verdict find_sender_relay(struct resolution *r, const struct parts *sender, struct slice *hop);
/* The transport of the address; else, with a sender in r->login, that sender's relay host as "smtp:HOP". One field. */
enum verdict resolve_transport(struct resolution *r);

#endif
