/* What this client has asked for, and what is therefore told in another way (ENABLE, RFC 5161; RFC 6855; RFC 7162; RFC 9051; RFC 9586; NOTIFY, RFC 5465). */
#ifndef IMAPD_DIALECT_H
#define IMAPD_DIALECT_H

#include <stdbool.h>

struct dialect {
	bool condstore; /* MODSEQ in every FETCH response that tells of a change */
	bool qresync;   /* VANISHED for EXPUNGE, UID in every such FETCH response */
	bool uidonly;   /* UIDFETCH for FETCH, VANISHED for EXPUNGE: the client counts no messages */
	bool rev2;      /* IMAP4rev2: ESEARCH for SEARCH, LIST in SELECT, UID in every FETCH response that tells of a change, nothing of what is recent */
	bool utf8;      /* folders' names in UTF-8; IMAP4rev2 and UTF8=ACCEPT bring it */
	bool utf8_accept; /* UTF8=ACCEPT: no charset in SEARCH */
	bool metadata;  /* METADATA responses for what other sessions change (ENABLE METADATA, RFC 5464) */
	bool notifies;  /* UID in every FETCH response that tells of a change */
	bool quiet_new, quiet_expunges, quiet_flags; /* such news of the selected folder are not wanted */
};

#endif
