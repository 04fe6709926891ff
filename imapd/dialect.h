/* What this client has asked for, and what is therefore told in another way (ENABLE, RFC 5161; RFC 7162; RFC 9586; NOTIFY, RFC 5465). */
#ifndef IMAPD_DIALECT_H
#define IMAPD_DIALECT_H

#include <stdbool.h>

struct dialect {
	bool condstore; /* MODSEQ in every FETCH response that tells of a change */
	bool qresync;   /* VANISHED for EXPUNGE, UID in every such FETCH response */
	bool uidonly;   /* UIDFETCH for FETCH, VANISHED for EXPUNGE: the client counts no messages */
	bool metadata;  /* METADATA responses for what other sessions change (ENABLE METADATA, RFC 5464) */
	bool notifies;  /* UID in every FETCH response that tells of a change */
	bool quiet_new, quiet_expunges, quiet_flags; /* such news of the selected folder are not wanted */
};

#endif
