/*
 * What an address is, where its mail goes, who may send as it: the rules,
 * over facts. The order in which they are tried stands in one table in
 * postern-authd(8), "What an address is"; classify.c follows it.
 *
 * All keys are asked in lower case, as Postfix does.
 */
#ifndef AUTHD_RESOLVE_H
#define AUTHD_RESOLVE_H

#include "authd/address_files.h"
#include "authd/facts.h"
#include "authd/local_aliases.h"
#include "authd/parts.h"
#include "authd/usage.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NO,
	VERDICT_LATER,
	VERDICT_WAIT, /* a fact is wanted first */
};

enum inquiry_kind {
	INQUIRY_RCPT,      /* fields: class, the size limit of its messages (of a mailbox that has one) */
	INQUIRY_ALIAS,     /* fields: targets, one level */
	INQUIRY_MAILBOX,   /* fields: user, maildir, bytes, messages, extension, the domain's bytes if it has a limit; with VERDICT_NO "relay" in a relay domain */
	INQUIRY_TRANSPORT, /* fields: transport */
	INQUIRY_WAY,       /* the same, of a message whose sender is the login: else his relay host */
	INQUIRY_SENDER,    /* no fields */
	INQUIRY_HOME,      /* of a login, exactly: user, maildir, bytes, messages, the domain's bytes if it has a limit */
	INQUIRY_PASSWORD,  /* of a login, exactly: user, rows (rows.h) */
	INQUIRY_SENDER_BCC, /* fields: who gets a copy of what the address sends */
	INQUIRY_RECIPIENT_BCC, /* the same of what it is sent */
	INQUIRY_FORWARD,   /* fields: the sender under which a message of the address is forwarded */
	INQUIRY_RELAY_LOGIN, /* of a sender, and a next hop as login: user, password */
};

struct resolve_options {
	const char *recipient_delimiter;
	const char *postmaster;
	const char *mail_root;
	const char *hostname;
	const char *mailbox_path;   /* a pattern; "": what the table yields */
	const char *default_domain; /* behind a login without one; "": none */
	const char *local_domains;  /* names of this host, separated by white space */
	struct local_aliases *aliases; /* who they are */
	struct address_files *files;   /* text files beside the tables; NULL: none */
	const char *relay_host; /* postern-queued's: for whom a sender's own login is */
	struct usage         *usage;   /* what sessions and deliver have told of mailboxes' sizes */
};

/* The question, what is known, and the answer. */
struct resolution {
	enum inquiry_kind             kind;
	const struct resolve_options *options;
	struct facts                  facts;
	struct parts                  parts; /* the address asked about; of a login the login */
	struct str                    login; /* INQUIRY_SENDER; of INQUIRY_WAY the sender, of INQUIRY_RELAY_LOGIN the next hop */
	struct str                    original; /* the sender that an SRS address stands for */
	/* The answer: fields, each with a NUL behind it, as packets have them. */
	struct str                    fields;
	const char                   *why; /* VERDICT_LATER and VERDICT_NO: a reason for the log */
};

/* False when there is no memory or the address is too long. */
bool resolution_begin(struct resolution *r, enum inquiry_kind kind, const struct resolve_options *options,
    struct fact_source *source, const char *address, const char *login);
enum verdict resolve(struct resolution *r);
void resolution_end(struct resolution *r);
/* Whether the answer refuses something: no such user, no alias, not ours, not allowed. */
bool resolution_refuses(const struct resolution *r, enum verdict v);

#endif
