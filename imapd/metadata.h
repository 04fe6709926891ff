/* Annotations as clients see them (RFC 5464): the store's (lib/store/metadata.h), and the few that are ours. */
#ifndef IMAPD_METADATA_H
#define IMAPD_METADATA_H

#include "imapd/parse_metadata.h"
#include "imapd/session.h"

/* The value of /shared/admin, a URI, for the life of the session; "" for none. */
void metadata_use_admin(const char *uri);
/* What the setting may say. */
bool metadata_admin_ok(const char *uri);

/* Whose annotations a command is about. */
struct metadata_subject {
	struct slice          mailbox; /* as the client has it; "": the account */
	struct guid           guid;
	struct metadata_owner owner;   /* points into guid: the subject stays where it is */
};

/* With `create` a folder that nobody has opened yet gets what annotations stand under. False with errno. */
bool metadata_find(struct session *s, struct slice mailbox, bool create, struct metadata_subject *subject);

/* "* METADATA mailbox (entry value ...)", if there is one. `*longest`: of the values that were larger than r->most. */
void metadata_tell(struct session *s, const struct metadata *d, const struct metadata_subject *subject,
    const struct metadata_request *r, size_t *longest);

/* --- news of other sessions (ENABLE METADATA) ------------------------------------------ */

/* From now on; false with errno. */
bool metadata_watch_begin(struct session *s);
/* "* METADATA mailbox entry ..." for what others have changed since. Nothing unless it was begun. */
void metadata_tell_news(struct session *s);
/* This session has changed them: `before` and `after` as metadata_set() gave them, which go to the watch or are freed. */
void metadata_own_change(struct session *s, struct metadata *before, struct metadata *after);

#endif
