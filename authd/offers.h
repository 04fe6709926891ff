/*
 * Which SASL mechanisms a conversation is offered: those of the setting, on a
 * line that is fit for them, and only as long as they can work with the
 * passwords that the tables hold. A client takes the strongest that it finds
 * in the list, so CRAM-MD5 over hashed rows would lock it out.
 */
#ifndef AUTHD_OFFERS_H
#define AUTHD_OFFERS_H

#include <stdbool.h>

#include "authd/mechanisms.h"
#include "lib/base/str.h"

struct offers {
	/* Set by the program. */
	const char *names;             /* the setting sasl_mechanisms, "NAME!" insists; "": what suits the scheme */
	const char *scheme;            /* of passwords without one before them */
	bool        plain_without_tls;

	/* The offers' own. */
	unsigned    seen;      /* classes of rows that logins have met */
	unsigned    withdrawn; /* bits of mechanisms that were told of in the log */
};

/* What a conversation brings along. */
struct line {
	bool        encrypted;
	const char *certificate; /* login name of a verified client certificate, "" for none */
	const char *binding;     /* NAME=BASE64 ..., "" for none */
};

/* The setting names unknown mechanisms: false, with the first of them in `*wrong`. */
bool offers_begin(struct offers *o, struct slice *wrong);
/* Appends the names, with spaces between. */
void offers_list(const struct offers *o, const struct line *line, struct str *into);
/* Whether this one is among them. */
bool offers_has(const struct offers *o, const struct line *line, struct slice name);
/* Whether it was offered until a login met a row that it cannot work with: a client that has seen the list of before may begin it still. */
bool offers_withdrew(const struct offers *o, struct slice name);
/* A login met a row of this class. What cannot work with it is offered no more, which is logged. */
void offers_note_class(struct offers *o, const char *class);

#endif
