/* A command line (RFC 5321 section 4.1.1) and the table of verbs that it is looked up in. */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "smtpd/session.h"

enum verb_flag {
	VERB_GREETED = 1 << 0,  /* only after EHLO or HELO (with VERB_TRUSTED: where helo_required is set) */
	VERB_TRUSTED = 1 << 1,  /* where users log in: only after that */
	VERB_OUTSIDE = 1 << 2,  /* not between MAIL and the end of DATA */
	VERB_BARE = 1 << 3,     /* takes no argument */
	VERB_IDLE = 1 << 4,     /* brings no message nearer: counts against commands_limit */
	VERB_LONG = 1 << 5,     /* its line may be as long as AUTH's */
	VERB_CHUNK = 1 << 7,    /* bytes follow its line, whatever is answered */
	VERB_WHOLE = 1 << 8,    /* not between the first BDAT and the last */
	VERB_STRANGE = 1 << 6,  /* another protocol speaks to us: the session is closed */
	VERB_LAST = 1 << 9,     /* nothing may be sent behind it before its answer (RFC 2920 section 3.1) */
};

typedef void verb_handler(struct session *s, struct slice argument);

struct verb {
	const char   *name;
	verb_handler *run;
	unsigned      flags;
};

/* Cuts a line into verb and argument (spaces around it taken off). */
void command_split(struct slice line, struct slice *verb, struct slice *argument);
/* The verb of that name, without regard to case; NULL when there is none. */
const struct verb *command_find(struct slice name);
/* Looks the line up, holds it against the flags, and runs or answers it. */
void command_run(struct session *s, struct slice line);

/* BDAT may not be said now, and that is answered: its bytes are read and thrown away. */
void bdat_pass_over(struct session *s, struct slice argument);

/* cmd_X.c. BDAT: RFC 3030; ETRN: RFC 1985; XCLIENT: Postfix's XCLIENT_README; HELO and EHLO: RFC 5321 4.1.1.1; STARTTLS: RFC 3207; AUTH: RFC 4954; the rest: RFC 5321 4.1.1. */
verb_handler cmd_ehlo, cmd_helo, cmd_mail, cmd_rcpt, cmd_data, cmd_rset, cmd_noop, cmd_quit, cmd_starttls, cmd_auth,
    cmd_vrfy, cmd_help, cmd_bdat, cmd_etrn, cmd_expn, cmd_xclient;

#endif
