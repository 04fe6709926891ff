/*
 * Ids that do not change (RFC 8474). None of them is kept anywhere: each is
 * what something else says of itself that does not change either.
 *
 *     MAILBOXID  F and the folder's GUID (lib/store/guid.h): the same after a
 *                rename, another one after a deletion
 *     EMAILID    M and the identity in the file's name (name_identity()), which
 *                COPY and MOVE take along
 *     THREADID   T and a hash of the Message-ID that the conversation began
 *                with: the first of References, else the one in In-Reply-To,
 *                else the message's own. A message without any is alone with
 *                its EMAILID
 */
#ifndef IMAPD_OBJECTID_H
#define IMAPD_OBJECTID_H

#include "imapd/session.h"

#define OBJECTID_MOST 17 /* bytes of an EMAILID or THREADID */

/* "MAILBOXID (F...)" in scratch memory, of a folder that was refreshed. NULL with errno. */
const char *objectid_folder_code(struct session *s, struct folder *f);

void objectid_message(const struct message *m, char id[OBJECTID_MOST + 1]);
/* `header`: the fields that the index keeps, or more of the message. */
void objectid_thread(const struct message *m, struct slice header, char id[OBJECTID_MOST + 1]);

#endif
