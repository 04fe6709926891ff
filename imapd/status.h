/* What STATUS tells of a folder; LIST with RETURN (STATUS) tells it too (RFC 5819). */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "imapd/session.h"

enum status_item {
	STATUS_MESSAGES, STATUS_RECENT, STATUS_UIDNEXT, STATUS_UIDVALIDITY, STATUS_UNSEEN, STATUS_DELETED, STATUS_SIZE,
	STATUS_HIGHESTMODSEQ, STATUS_APPENDLIMIT, STATUS_DELETED_STORAGE, STATUS_MAILBOXID, STATUS_ITEMS
};

struct status {
	bool     wanted[STATUS_ITEMS];
	uint64_t numbers[STATUS_ITEMS];
	const char *mailboxid; /* "MAILBOXID (F...)", where it is wanted */
};

/* "(MESSAGES UNSEEN)" */
bool parse_status_items(struct parser *p, struct status *status);
/* Once the command is understood: what it enables, and what is no folder's matter. */
void status_begin(struct session *s, struct status *status);
/* Looks at the folder, named as the client does, and writes its untagged STATUS. False with errno, and nothing is written. */
bool status_tell(struct session *s, struct slice name, struct status status);

#endif
