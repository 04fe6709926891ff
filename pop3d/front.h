/*
 * The POP3 conversation before login (postern-pop3d): state AUTHORIZATION of
 * RFC 1939. Where a ticket is there, front_login.c hands the client over to
 * postern-pop3, which answers the command.
 */
#ifndef POP3D_FRONT_H
#define POP3D_FRONT_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/front/gate.h"
#include "pop3d/texts.h"

#define FRONT_LINE_MOST LOGIN_BLOB_MOST
#define FRONT_USER_MOST 512 /* bytes of a user name */

struct front {
	struct gate   gate;
	const char   *expire;      /* settings that CAPA tells */
	uint64_t      login_delay;
	struct str    user;        /* of USER; empty: none yet */
	enum language language;
	bool          utf8;        /* the client has said UTF8 (RFC 6856 section 2) */
};

/* Greets and serves until the end or the login. */
void front_serve(struct front *f);

/* "+OK text" or "-ERR [code] text" */
void front_ok(struct front *f, enum text text);
void front_error(struct front *f, const char *code, enum text text);
/* An error that counts: after too many the conversation ends. */
void front_mistake(struct front *f, enum text text);
/* No line of the client came: the conversation is over, he hears why. */
void front_gone(struct front *f, enum input_result why);

/* Commands that log in, with what is behind their names (front_login.c). */
void front_user(struct front *f, struct slice argument);
void front_pass(struct front *f, struct slice argument);
void front_auth(struct front *f, struct slice argument);

#endif
