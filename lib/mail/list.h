/*
 * Address lists of a message's header (RFC 5322 sections 3.4 and 4.4): display
 * names, groups, comments, routes, obsolete forms, and what is broken. One pass
 * over the text, so time is linear.
 *
 *     struct mailbox_list list;
 *     struct mailbox m;
 *     mailbox_list_begin(&list, value);
 *     while (mailbox_list_next(&list, &m))
 *         ...
 *     mailbox_list_end(&list);
 */
#ifndef MAIL_LIST_H
#define MAIL_LIST_H

#include <stdbool.h>

#include "lib/base/cursor.h"
#include "lib/base/str.h"

enum mailbox_kind {
	MAILBOX_ADDRESS,     /* local, and domain unless it is missing; name and route if there */
	MAILBOX_GROUP_START, /* name is the group's */
	MAILBOX_GROUP_END,
	MAILBOX_BROKEN,      /* name holds what was there, as text */
};

/*
 * Unquoted, unfolded, without comments; no NUL, CR, LF. Encoded words are left as
 * they are. Hostile text all the same: what becomes an envelope address goes
 * through address_print() and address_parse().
 */
struct mailbox {
	enum mailbox_kind kind;
	struct slice name;   /* display name, or the comment of "a@b (name)" */
	struct slice route;  /* "@a,@b" of an obsolete route */
	struct slice local;
	struct slice domain;
};

struct mailbox_list {
	struct cursor text;
	bool          in_group;
	bool          failed;  /* no memory: the list ended early */
	size_t        count;
	struct str    name, comment, route, local, domain;
};

/* `value` is a field's raw value, folds and all, and must live as long as the list. */
void mailbox_list_begin(struct mailbox_list *l, struct slice value);
/* The next one; its slices are valid until the next call. False at the end or over budget (LIST_MAILBOXES). */
bool mailbox_list_next(struct mailbox_list *l, struct mailbox *m);
void mailbox_list_end(struct mailbox_list *l);

#endif
