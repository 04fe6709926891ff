/* What an address is: the rules of postern-authd(8), in their order. */
#ifndef AUTHD_CLASSIFY_H
#define AUTHD_CLASSIFY_H

#include "authd/ask.h"
#include "authd/resolve.h"

enum class {
	CLASS_MAILBOX, /* value: its Maildir as the table has it; user: the key that it was found under */
	CLASS_ALIAS,   /* value: targets, commas between; user: likewise, "" for a catch-all or postmaster */
	CLASS_RELAY,
	CLASS_UNKNOWN, /* the domain is ours, there is no such user */
	CLASS_FOREIGN,
	CLASS_RETURN, /* a sender that we have rewritten: for bounces. value: whom it stands for */
};

struct finding {
	enum class   class;
	struct slice value, user; /* valid as long as the resolution and the parts that were asked about */
};

/* VERDICT_OK: `found` says what it is. VERDICT_LATER, VERDICT_WAIT: it cannot be said (yet). */
enum verdict classify(struct resolution *r, const struct parts *p, struct finding *found);
/* The mailbox of the address, whatever aliases there are. VERDICT_NO: none. */
enum verdict find_mailbox(struct resolution *r, const struct parts *p, struct finding *found);

/* The domain, or one above it, is one that we pass on for. */
enum verdict classify_relay_domain(struct resolution *r, struct slice domain);
/* Whether mail for the address's domain is passed on to another host, as a relay domain. */
enum verdict is_relayed(struct resolution *r, const struct parts *p);

/*
 * Takes the parts anew with the domain in its other form (parts.h) when the tables know only that one: from then on the address
 * is as they have it. VERDICT_OK: done, whether there was need or not.
 */
enum verdict classify_settle_form(struct resolution *r, struct parts *p);

/* Whether it is a name of this host itself. */
bool classify_is_local_domain(const struct resolution *r, struct slice domain);

#endif
