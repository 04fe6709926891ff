/* The header of a message that a program hands to sendmail: recipients out of it, what is missing into it. */
#ifndef QUEUE_SENDMAIL_HEADER_H
#define QUEUE_SENDMAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define RECIPIENTS_MOST 10000

struct recipients {
	struct str texts; /* canonical addresses, a NUL behind each */
	size_t     count;
};

struct writer {
	const char  *hostname;
	struct slice sender;    /* the envelope's; empty: the null sender */
	const char  *full_name; /* for a From that is missing; "" : none */
	bool         complete;  /* what is missing is added */
	const char  *protocol;  /* "SMTP" for -bs; NULL: none */
	const char  *queue_id;
	unsigned     uid;
};

/* Adds the addresses of one list, with @hostname where a domain is missing. NULL, or the address that is wrong (in `wrong`). */
bool recipients_add(struct recipients *r, struct slice list, const char *hostname, struct str *wrong);
/* Adds those of To, Cc and Bcc; of Resent-To, Resent-Cc and Resent-Bcc if the message was resent (RFC 5322 section 3.6.6). */
bool recipients_from_header(struct recipients *r, struct slice message, const char *hostname, struct str *wrong);

/*
 * Where the header of `message` (CRLF) ends: behind its last field. What is
 * between there and the body (an empty line) is added by header_write().
 * False: there are more fields than are looked at (lib/mail/budget.h).
 */
bool header_measure(struct slice message, size_t *length, size_t *body);

/*
 * Appends Received, the fields, those that are missing (RFC 5322 section 3.6:
 * Date, From, Message-ID, and Resent- ones before the others), and the empty
 * line. Bcc, Resent-Bcc and Return-Path are left out. False: no room.
 */
bool header_write(struct str *into, struct slice header, const struct writer *w);

#endif
