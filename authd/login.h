/* The socket authd/login: conversations of the fronts, exchanges of their clients. */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include "authd/hasher.h"
#include "authd/inquiry.h"
#include "authd/sessions.h"
#include "authd/tickets.h"
#include "lib/ipc/server.h"

struct login_service {
	struct service    service; /* first */
	struct inquiries *inquiries;
	struct hashers   *hashers;
	struct tickets   *tickets;
	struct sessions   sessions;
	bool              plain_without_tls;
	uint64_t          last_exchange;
};

bool login_start(struct login_service *s);

/* --- between login.c and exchange.c --- */

#define SERVICE_NAME_MOST TICKET_SERVICE_MOST
#define CLIENT_ADDRESS_MOST 63
#define TAG_MOST 64
#define CERTIFICATE_MOST TICKET_USER_MOST
#define BINDING_MOST 1024

struct exchange;

struct conversation {
	struct connection  connection; /* first */
	bool               greeted, encrypted, counted;
	struct session_key key;
	char               name[SERVICE_NAME_MOST + 1];      /* "imap" */
	char               client[CLIENT_ADDRESS_MOST + 1];
	char               certificate[CERTIFICATE_MOST + 1]; /* the client's login name in it; "": none */
	char               binding[BINDING_MOST + 1];         /* NAME=BASE64, spaces between; "": none */
	struct exchange   *exchange; /* the one under way */
};

/* The request goes on from the field behind the tag. False: out of turn or malformed. */
bool exchange_auth(struct conversation *c, const char *tag, struct packet *p);
bool exchange_more(struct conversation *c, const char *tag, struct packet *p);
bool exchange_password(struct conversation *c, const char *tag, struct packet *p);
bool exchange_cancel(struct conversation *c, const char *tag);
/* The conversation ends. */
void exchange_abandon(struct conversation *c);

#endif
