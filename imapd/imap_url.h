/*
 * Relative IMAP URLs (RFC 5092) as CATENATE takes them: a message of this
 * user's, or a section of one.
 *
 *     /Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.MIME
 *     ;UID=20/;SECTION=HEADER/;PARTIAL=0.1024      in the selected folder
 */
#ifndef IMAPD_IMAP_URL_H
#define IMAPD_IMAP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "imapd/parse_fetch.h"

struct imap_url {
	struct slice   mailbox;     /* in modified UTF-7; empty: the selected one */
	uint32_t       uidvalidity; /* 0: any */
	uint32_t       uid;
	struct section section;
	bool           partial;
	uint32_t       offset, length; /* length UINT32_MAX: to the end */
};

/* False: it is none, or one of another server, or without memory. Names and the section lie in the text or in scratch memory. */
bool imap_url_parse(struct imap_url *u, struct slice text, struct scratch *scratch);

/* An URL as a response code can bear it: what it must not hold becomes %XX, what is too long is cut. NULL without memory. */
char *imap_url_shown(struct slice text, struct scratch *scratch);

#endif
