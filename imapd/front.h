/*
 * The conversation before login (postern-imapd): its state and its answers.
 * What it may do ends where a ticket is there: front_login.c hands the client
 * over to postern-imap.
 */
#ifndef IMAPD_FRONT_H
#define IMAPD_FRONT_H

#include "imapd/gather.h"
#include "imapd/parse.h"
#include "lib/front/gate.h"

#define FRONT_COMMAND_MOST 16384 /* bytes of a command before login, literals and all */
#define FRONT_LITERAL_MOST 4096  /* a user name or password */
#define FRONT_SCRATCH_MOST 32768

struct front {
	struct gate    gate;
	struct gather  gather;
	struct scratch scratch;
};

/* Prepares the parser's state over the gate's streams. */
void front_open(struct front *f);
/* Greets and serves until the end or the login. */
void front_serve(struct front *f);

/* "CAPABILITY IMAP4rev1 ..." as it is now. */
void front_capability(struct front *f);
/* "TAG OK text", "TAG NO text" and so on. */
void front_answer(struct front *f, struct slice tag, const char *status, const char *text);
/* A BAD with the parser's error; the conversation ends after too many. */
void front_bad(struct front *f, struct slice tag, const char *error);
/* "* BYE text" and the end. */
void front_bye(struct front *f, const char *text);

/* One gathered command: finds it in the table and does it. */
void front_command(struct front *f);

/* LOGIN and AUTHENTICATE behind their names. */
void front_login(struct front *f, struct slice tag, struct parser *p);
void front_authenticate(struct front *f, struct slice tag, struct parser *p);

#endif
