/*
 * The client side of authd's login socket, shared by the fronts (smtpd, imapd,
 * pop3d). Blocking, with a deadline. Packets as in ARCHITECTURE.md: hello,
 * auth, more.
 */
#ifndef SASL_LOGIN_H
#define SASL_LOGIN_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define LOGIN_MECHANISMS_MOST 256
#define LOGIN_BLOB_MOST       12288 /* RFC 4954 section 4: one line of base64 */

struct login {
	int  socket;                              /* to authd/login, opened by the program before it confines itself */
	char mechanisms[LOGIN_MECHANISMS_MOST];   /* offered now, separated by spaces: "PLAIN LOGIN"; "" when none */
};

enum login_result {
	LOGIN_OK,      /* text holds the login name, ticket the ticket */
	LOGIN_MORE,    /* text holds the challenge in base64, for the client */
	LOGIN_NO,      /* wrong user or password, or the exchange was wrong; text says which for the log only */
	LOGIN_LATER,   /* temporary: database or authd not there, too many failures; text for the log */
};

struct login_answer {
	enum login_result result;
	struct str        text;   /* at most LOGIN_BLOB_MOST bytes */
	char              ticket[64];
};

/* Who is there, and over what line. */
struct login_client {
	const char *service;     /* "smtp", "submission", "imap" or "pop3" */
	const char *address;     /* as text */
	bool        encrypted;
	const char *certificate; /* login name of the client's verified certificate; NULL or "": none */
	const char *binding;     /* channel bindings (lib/ipc/tls.h); NULL or "": none */
};

/*
 * Tells authd who is there. Asked again after STARTTLS.
 * LOGIN_OK fills login->mechanisms; LOGIN_LATER: authd is not there or says
 * that this address has too many sessions.
 */
enum login_result login_hello(struct login *login, const struct login_client *client);

/* Whether this mechanism is among those that are offered now, whatever its case. */
bool login_offers(const struct login *login, struct slice mechanism);

/*
 * Begins an exchange. `initial` is the client's initial response in base64 ("=" for an empty
 * one, RFC 4954), or data NULL when there was none.
 */
void login_begin(struct login *login, struct slice mechanism, struct slice initial, struct login_answer *answer);
/* Goes on after LOGIN_MORE with the client's line (base64). A "*" is the program's to handle with login_cancel(). */
void login_continue(struct login *login, struct slice response, struct login_answer *answer);
void login_cancel(struct login *login);

/* A password that came in the protocol's own command (IMAP LOGIN, POP3 USER/PASS); any bytes but NUL. */
void login_password(struct login *login, struct slice user, struct slice password, struct login_answer *answer);

void login_answer_free(struct login_answer *answer);

#endif
