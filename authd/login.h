/* The socket authd/login: conversations of the fronts, exchanges of their clients. */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include "authd/failures.h"
#include "authd/hasher.h"
#include "authd/inquiry.h"
#include "authd/offers.h"
#include "authd/remembered.h"
#include "authd/sessions.h"
#include "authd/tickets.h"
#include "lib/ipc/server.h"

struct login_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct hashers   *hashers;
	struct tickets   *tickets;
	struct failures  *failures;
	struct remembered *remembered; /* verified passwords */
	struct sessions   sessions;
	struct offers     offers;
	const char       *master_users; /* logins that may act for any other, commas or lines between */
	uid_t             stranger; /* postern-authproxy, whose word on certificates is not taken: it speaks with other people's programs */
	uint64_t          last_exchange;
};

bool login_start(struct login_service *s);

/* --- between login.c and exchange.c --- */

#define SERVICE_NAME_MOST   TICKET_SERVICE_MOST
#define CLIENT_ADDRESS_MOST 63
#define CERTIFICATE_MOST    255
#define BINDING_MOST        1023
#define TAG_MOST            64

struct exchange;

struct conversation {
	struct connection  connection; /* first */
	bool               greeted, encrypted, counted;
	struct session_key key;
	char               name[SERVICE_NAME_MOST + 1];      /* "imap" */
	char               client[CLIENT_ADDRESS_MOST + 1];
	char               certificate[CERTIFICATE_MOST + 1], binding[BINDING_MOST + 1];
	struct exchange   *exchange; /* the one under way */
};

struct line conversation_line(const struct conversation *c);

/* The request goes on from the field behind the tag. False: out of turn or malformed. */
bool exchange_auth(struct conversation *c, const char *tag, struct packet *p);
bool exchange_more(struct conversation *c, const char *tag, struct packet *p);
bool exchange_password(struct conversation *c, const char *tag, struct packet *p);
bool exchange_cancel(struct conversation *c, const char *tag);
/* The conversation ends. */
void exchange_abandon(struct conversation *c);

#endif
