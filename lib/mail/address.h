/*
 * Mail addresses of the envelope (RFC 5321 section 4.1.2, RFC 6531). What is
 * accepted here holds no NUL and no control character, so it can be put into
 * packets, log lines and protocol lines as it is.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* RFC 5321 section 4.5.3.1: octets; the path counts its angle brackets. */
#define ADDRESS_LOCAL_MOST  64
#define ADDRESS_DOMAIN_MOST 255
#define ADDRESS_PATH_MOST   256

/* What else than a mailbox with a domain is taken; or'ed together. */
enum address_flag {
	ADDRESS_UTF8 = 1 << 0,       /* UTF-8 in local part and domain (RFC 6531) */
	ADDRESS_NULL = 1 << 1,       /* the null sender, "<>" or nothing */
	ADDRESS_POSTMASTER = 1 << 2, /* "postmaster" without a domain (RCPT TO) */
	ADDRESS_NO_DOMAIN = 1 << 3,  /* any local part without a domain (sendmail, alias targets) */
	ADDRESS_LOOSE = 1 << 4,      /* as many clients write a path: spaces before it, no angle brackets */
};

enum address_result {
	ADDRESS_OK,
	ADDRESS_LOCAL_LONG,  /* the local part is over 64 octets; the address is filled in all the same (some senders do that) */
	ADDRESS_DOMAIN_LONG, /* over 255 octets */
	ADDRESS_PATH_LONG,   /* over 256 octets */
	ADDRESS_NOT_ASCII,   /* would be right with ADDRESS_UTF8 (reply 553 5.6.7) */
	ADDRESS_WRONG,       /* not an address */
};

/* For people: "the local part is longer than 64 octets". */
const char *address_problem(enum address_result r);

/*
 * All three end in NUL. `local` is what is meant: without quotes and
 * backslashes. `domain` has its ASCII letters in lower case; it may be a literal
 * "[192.0.2.1]", or empty. `text` is the canonical form: quotes only when needed.
 * Two spellings of one address have one text. The null sender is empty in all.
 */
struct address {
	size_t local_len, domain_len, text_len;
	char   local[ADDRESS_PATH_MOST];
	char   domain[ADDRESS_PATH_MOST];
	char   text[ADDRESS_PATH_MOST];
};

/*
 * The path of MAIL FROM or RCPT TO. `text` begins behind the colon; `*rest`
 * becomes what follows the path (parameters, with the spaces before them).
 * Source routes are dropped. RFC 5321 sections 4.1.2, 4.1.1.11; RFC 6531 section 3.3.
 */
enum address_result address_parse_path(struct slice text, unsigned flags, struct address *a, struct slice *rest);

/* An address without angle brackets and nothing else: from SQL, a packet, the command line. */
enum address_result address_parse(struct slice text, unsigned flags, struct address *a);

/* "postmaster" alone (ADDRESS_POSTMASTER) becomes that of `host` (RFC 5321 section 4.5.1); others stay. False: too long, or `host` is no domain. */
bool address_complete(struct address *a, const char *host);

struct slice address_local(const struct address *a);
struct slice address_domain(const struct address *a);
struct slice address_text(const struct address *a);
bool         address_is_null(const struct address *a);

/* Appends the canonical form of an unquoted local part and a domain (none: no @). False when `into` is full. */
bool address_print(struct str *into, struct slice local, struct slice domain);

/* Cuts a canonical text at its last @. `*domain` is empty when there is none; `*local` is still quoted then. */
void address_split(struct slice text, struct slice *local, struct slice *domain);

/*
 * "user+box" with delimiters "+" gives user and box. The first delimiter counts,
 * not at the first place; "mailer-daemon" and "postmaster" are never cut. False
 * when there is none: `*user` is then all, `*extension` empty.
 */
bool address_split_extension(
    struct slice local, const char *delimiters, struct slice *user, struct slice *extension);

/* Appends with ASCII letters in lower case. */
bool address_append_lower(struct str *into, struct slice text);

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" */
bool address_is_literal(struct slice domain);
/* A right domain or literal (RFC 5321 section 4.1.2, underscores allowed): for EHLO, tables, address_parse. */
bool address_is_domain(struct slice domain, unsigned flags);
bool address_is_ascii(struct slice text);
/* Well-formed UTF-8 (RFC 3629); ASCII is. */
bool address_is_utf8(struct slice text);

#endif
