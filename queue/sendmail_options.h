/* The command line of sendmail, as the programs that call it write it. */
#ifndef QUEUE_SENDMAIL_OPTIONS_H
#define QUEUE_SENDMAIL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/mail/parameters.h"

enum sendmail_mode {
	MODE_SEND,
	MODE_SMTP,    /* -bs */
	MODE_LIST,    /* -bp, mailq */
	MODE_VERIFY,  /* -bv */
	MODE_ALIASES, /* -bi, -I, newaliases */
	MODE_FLUSH,   /* -q */
	MODE_NOTHING, /* -q30m: the queue runs by itself */
};

struct sendmail_options {
	enum sendmail_mode mode;
	bool        from_header;  /* -t */
	bool        ignore_dots;  /* -i */
	bool        gateway;      /* -G: nothing that is missing is added */
	bool        verbose;      /* -v */
	bool        eight_bit;    /* -B8BITMIME */
	const char *sender;       /* -f; NULL: the caller */
	const char *full_name;    /* -F; NULL: the caller's */
	const char *flush_id;     /* -qI */
	const char *flush_domain; /* -qR, -qS */
	char        notify[sizeof "SUCCESS,FAILURE,DELAY"]; /* -N; "": not said */
	const char *ret;          /* -R: "FULL", "HDRS" or NULL */
	char        envid[ENVID_MOST + 1]; /* -V as xtext; "": not said */
	const char *problem;      /* what is wrong with the command line, and of which word */
	char        about[64];
};

/*
 * Reads the options from argv[first] on. Returns the index of the first recipient;
 * -1: o->problem. argv[0] is looked at too: mailq and newaliases are modes.
 */
int sendmail_options_read(struct sendmail_options *o, int argc, char **argv, int first);

#endif
