/* The sockets authd/lookup and authd/ticket: ARCHITECTURE.md has their packets. */
#ifndef AUTHD_LOOKUP_H
#define AUTHD_LOOKUP_H

#include "authd/inquiry.h"
#include "authd/outgoing.h"
#include "authd/tickets.h"
#include "lib/ipc/server.h"

struct lookup_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct outgoing  *outgoing;
};

struct ticket_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct tickets   *tickets;
};

bool lookup_start(struct lookup_service *s);
bool ticket_start(struct ticket_service *s);

/* "ok TAG fields", "no TAG why", "later TAG why": one answer made of a resolution. */
void lookup_answer(struct connection *c, const char *tag, struct resolution *r, enum verdict v);

#endif
