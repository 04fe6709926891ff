/*
 * Moving in from Courier-IMAP. Of a folder that has no dovecot-uidlist yet:
 *
 *     courierimapuiddb       "1 UIDVALIDITY UIDNEXT", then "UID BASE" a line:
 *                            version 1 of Dovecot's list
 *     courierimapkeywords/   `:list`: names of keywords, one a line, an empty
 *                            line, "BASE:NUMBER NUMBER" a line; newer than that
 *                            `.GENERATION.BASE`, newest `BASE`: the names of
 *                            the message's keywords, one a line
 *
 * and of a Maildir that has no `subscriptions`: courierimapsubscribed, a name
 * a line with INBOX. before it. Folders of Courier 5 have names in UTF-8, those
 * of older ones in modified UTF-7.
 *
 * States and steps of a folder (under Dovecot's lock; done again from the start
 * after a crash):
 *     no dovecot-uidlist                   Courier's word counts
 *     messages renamed: letters of their keywords; dovecot-keywords written
 *     dovecot-uidlist written, durable     it is ours
 *     courierimapuiddb -> courierimapuiddb.moved, so that its numbers are never given again
 *
 * The store's own.
 */
#ifndef STORE_COURIER_H
#define STORE_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/store/folder.h"
#include "lib/store/uidlist.h"

#define COURIER_NAMES_MOST 1024 /* keywords of a folder that are looked at */

/*
 * Takes over UIDs (into *l, which uidlist_free() frees) and keywords (into the
 * messages' names) of a folder that was scanned and whose lock is held.
 * UIDLIST_ABSENT: Courier was not here, or its list is broken (logged).
 */
enum uidlist_result courier_move_in(struct folder *f, struct uidlist *l);
/* After the new list is durable. */
void courier_moved(const struct folder *f);

/* Gives folders with names in UTF-8 that Courier made (courierimapuiddb is in them) their names in modified UTF-7. True when one was renamed. */
bool courier_rename_folders(int root);

/* Courier's subscriptions as a text of Dovecot's, version 2, appended to `text`. False with errno; ENOENT: there are none. */
bool courier_subscriptions(int root, struct str *text);
/* The store's name for a line of it ("INBOX.Entw\xc3\xbcrfe"), into `name`, which is emptied first. False for what is no folder of his. */
bool courier_folder_name(struct slice line, struct str *name);

/* `:list`, parsed. The text must live as long. */
struct courier_list {
	struct slice names[COURIER_NAMES_MOST];
	size_t       count;
	struct slice messages; /* the lines behind the empty one */
};
bool courier_parse_list(struct courier_list *l, struct slice text);
/* The next message from `*rest` (first: l->messages); false at the end. */
bool courier_next_message(struct slice *rest, struct slice *base, struct slice *numbers);
/* The next keyword of a message: an index below l->count. */
bool courier_next_number(const struct courier_list *l, struct slice *numbers, size_t *number);
/* The base of a file in courierimapkeywords and how new it is: of two the one with the greater number counts. */
bool courier_parse_file_name(struct slice file, struct slice *base, uint64_t *generation);

/*
 * A line of courierpop3dsizelist (pop3_uidl.h): a file's name with its flags, then "SIZE", "SIZE UID", "SIZE UID:UIDVALIDITY" or that
 * and ":N" (versions 0 to 3). Appends the UIDL that it gave. False: it is none; the head of the file looks like one of a file "/3".
 */
bool courier_parse_size(struct slice line, struct slice *base, struct str *uidl);

#endif
