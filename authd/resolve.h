/*
 * What an address is, where its mail goes, who may send as it: the rules,
 * over facts. Order for a recipient:
 *
 *   1. the domain is ours (MAP_DOMAIN)? else relay (MAP_RELAY_DOMAIN) or foreign
 *   2. alias of user+extension@domain, then of user@domain; an alias whose only
 *      target is the address itself is passed over
 *   3. mailbox of user+extension@domain, then of user@domain
 *   4. postmaster@domain: the setting `postmaster`
 *   5. alias of @domain (catch-all)
 *   6. unknown
 *
 * All keys are asked in lower case, as Postfix does.
 */
#ifndef AUTHD_RESOLVE_H
#define AUTHD_RESOLVE_H

#include "authd/facts.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NO,
	VERDICT_LATER,
	VERDICT_WAIT, /* a fact is wanted first */
};

enum inquiry_kind {
	INQUIRY_RCPT,      /* fields: class */
	INQUIRY_ALIAS,     /* fields: targets, one level */
	INQUIRY_MAILBOX,   /* fields: user, maildir, bytes, messages, extension */
	INQUIRY_TRANSPORT, /* fields: transport */
	INQUIRY_SENDER,    /* no fields */
	INQUIRY_HOME,      /* of a login, exactly: user, maildir, bytes, messages */
	INQUIRY_PASSWORD,  /* of a login, exactly: user, hash */
};

struct resolve_options {
	const char *recipient_delimiter;
	const char *postmaster;
	const char *mail_root;
	const char *hostname;
};

/* The question, what is known, and the answer. */
struct resolution {
	enum inquiry_kind             kind;
	const struct resolve_options *options;
	struct facts                  facts;
	struct str                    address; /* asked about, as written; of a login the login */
	struct str                    login;   /* INQUIRY_SENDER */
	/* The address, taken apart. */
	struct str                    full, base, catch_all; /* lower case: whole, without extension, "@domain" */
	struct str                    extension;             /* as written */
	/* The answer: fields, each with a NUL behind it, as packets have them. */
	struct str                    fields;
	const char                   *why; /* VERDICT_LATER and VERDICT_NO: a reason for the log */
};

/* False when there is no memory or the address is too long. */
bool resolution_begin(struct resolution *r, enum inquiry_kind kind, const struct resolve_options *options,
    struct fact_source *source, const char *address, const char *login);
enum verdict resolve(struct resolution *r);
void resolution_end(struct resolution *r);

#endif
