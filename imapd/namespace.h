/*
 * The one place where folders' names are translated. The store knows "INBOX"
 * and "Work.Plans"; a client says the same, or, with the setting
 * imap_inbox_prefix, "INBOX" and "INBOX.Work.Plans", as Courier and many a
 * Dovecot have it (RFC 2342: the prefix of the personal namespace). '.' stands
 * between levels either way.
 */
#ifndef IMAPD_NAMESPACE_H
#define IMAPD_NAMESPACE_H

#include <stdbool.h>

#include "imapd/parse.h"
#include "lib/base/slice.h"
#include "lib/store/folders.h"

#define NAMESPACE_PREFIX    "INBOX."
#define NAMESPACE_NAME_MOST (FOLDER_NAME_MOST + sizeof NAMESPACE_PREFIX - 1) /* bytes of a name as the client says it */

/* For the life of the session; without it names are the store's. */
void namespace_use_prefix(bool use);
/* "INBOX." or "". */
const char *namespace_prefix(void);

/*
 * The store's name for what the client said, a part of `name`. What lies
 * outside of the namespace becomes "", which is no folder's name: the store
 * refuses it with EINVAL.
 */
struct slice namespace_inward(struct slice name);
/* Takes a folder's name (astring) and gives the store's. */
bool namespace_parse(struct parser *p, struct slice *name);

/* Makes a list of the store's names, INBOX perhaps among them, one of the client's, sorted again. False: no memory; free it all the same. */
bool namespace_outward(struct folder_names *names);
/* A LIST pattern whose prefix is in another case ("inbox.%"), in ours; in the parser's scratch memory. False: no memory. */
bool namespace_pattern(struct scratch *scratch, struct slice *pattern);

#endif
