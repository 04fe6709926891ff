/*
 * What a folder is, whatever its name is: the GUID in the header of its UID
 * list, as Dovecot has it. It goes along with a rename and ends with the
 * folder. IMAP's MAILBOXID is made of it (RFC 8474), annotations stand under it.
 */
#ifndef STORE_GUID_H
#define STORE_GUID_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/store/folder.h"
#include "lib/store/maildir.h"

#define GUID_MOST 64 /* bytes; Dovecot's and ours have 32 */

struct guid {
	char text[GUID_MOST + 1]; /* letters, digits, '-' and '_'; "": none */
};

/* The GUID among a header's fields ("G0123 Hx"), or empty where there is none that can be one. */
struct slice guid_of_fields(struct slice fields);

/* Of a folder that was refreshed; an old list without one is written anew with one. False with errno. */
bool folder_guid(struct folder *f, struct guid *guid);
/*
 * Of a folder by its name. One that nobody has opened yet has none: with
 * `create` it gets one (durable), without it is told as "". False with errno:
 * ENOENT, EINVAL, as folder_open().
 */
bool folders_guid(const struct maildir *m, struct slice name, bool create, struct guid *guid);

#endif
