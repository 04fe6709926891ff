/* A FETCH under way: cmd_fetch.c goes through the messages, fetch_items.c writes what was asked of each. */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include "imapd/parse_fetch.h"
#include "imapd/session.h"

struct fetch {
	struct session    *session;
	struct fetch_item *items;
	struct targets     targets;
	struct fetch_modifiers modifiers;
	bool               needs_body;
	bool               needs_structure;
	bool               needs_binary; /* a part without its encoding */
	bool               needs_texts;  /* what the index has ready */
	bool               sets_seen;
	bool               tells_flags;
	int                trouble; /* errno of a message that could not be read, or 0 */
	bool               has_texts;
	struct message_texts texts; /* of the message under way */
};

/* Tells of the messages from an index on, with their UIDs and without a change of theirs (RFC 5465 section 5.2). */
void fetch_tell(struct session *s, struct fetch_item *items, size_t from);
/* Writes one item of a message, for which all has been prepared. */
void fetch_write_item(struct fetch *f, struct message *m, const struct fetch_item *item);
/* "FLAGS (...)": the client knows them then. */
void fetch_write_flags(struct fetch *f, struct message *m);

#endif
