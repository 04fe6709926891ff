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
#include "lib/base/stream.h"
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
/*
 * Takes a folder's name (astring) as the client says it, in modified UTF-7: made of UTF-8 where the client has enabled
 * that (RFC 9051 section 5.1, RFC 6855 section 3), when '&' is a letter as any other.
 */
bool namespace_take(struct parser *p, struct slice *name);
/* The same, and gives the store's name. */
bool namespace_parse(struct parser *p, struct slice *name);

/* RFC 9051 section 5.1: a name in UTF-8 may be made only in Unicode's form C, and without separators of lines and paragraphs (RFC 6855 section 3); in modified UTF-7 any. The store's name. */
bool namespace_may_be_made(bool utf8, struct slice name);

/* A folder's name, given as the store has it, as the client says it, in modified UTF-7; in scratch memory where it is another. data NULL: no memory. */
struct slice namespace_name(struct scratch *scratch, struct slice name);
/* Writes a name that is the client's but for its form: modified UTF-7, or UTF-8 with `utf8`. */
void namespace_write(struct output *out, bool utf8, struct slice name);
/* Whether it fits a pattern of LIST or LSUB, which is in the client's form. */
bool namespace_matches(bool utf8, struct slice pattern, struct slice name);

/* Makes a list of the store's names, INBOX perhaps among them, one of the client's, sorted again. False: no memory; free it all the same. */
bool namespace_outward(struct folder_names *names);
/* A LIST pattern whose prefix is in another case ("inbox.%"), in ours; in the parser's scratch memory. False: no memory. */
bool namespace_pattern(struct scratch *scratch, struct slice *pattern);

#endif
