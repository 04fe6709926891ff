/*
 * A folder and the messages in it, as IMAP and POP3 want to see them: an array
 * in the order of UIDs that changes only when its owner asks.
 *
 *     folder_open()     opens the directories; cheap, nothing is read
 *     folder_refresh()  looks at the disk: new messages are added behind the
 *                       others, those that are gone are marked, those whose
 *                       flags another session changed are marked
 *     folder_drop()     takes the marked ones out of the array
 *
 * UIDs are Dovecot's `dovecot-uidlist`, keywords its `dovecot-keywords`.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/slice.h"
#include "lib/store/maildir.h"
#include "lib/store/name.h"

#define SIZE_UNKNOWN UINT64_MAX

struct message {
	uint32_t uid;
	uint32_t keywords;  /* bits; names in folder.keywords */
	char    *name;      /* the file's name now (as last seen), NUL behind it */
	uint64_t wire_size; /* RFC822.SIZE: with CRLF; SIZE_UNKNOWN: ask folder_message_size() */
	int64_t  date;      /* internal date, seconds; 0: ask folder_message_date() */
	uint8_t  flags;     /* enum message_flag */
	uint8_t  base_len;  /* of name */
	uint8_t  name_room;
	bool     in_new;    /* the file is still in new/ */
	bool     recent;    /* this session moved it out of new/ */
	bool     vanished;  /* the file is gone; folder_drop() will take it out */
	bool     changed;   /* flags or keywords were changed by somebody else; the owner of the view clears it */
	bool     seen;      /* the store's own: found by the scan under way */
	bool     missed;    /* the store's own: not found by the last one */
};

struct folder_scan; /* the store's own */

struct folder {
	/* For the owner of the view to read. */
	struct message *messages;     /* by uid, ascending */
	size_t          count;
	size_t          vanished;     /* how many of them are marked */
	uint32_t        uidvalidity;  /* 0 until the first refresh */
	uint32_t        uidnext;
	char           *keywords[KEYWORDS_MOST]; /* name of each bit, or NULL */
	bool            read_only;    /* EXAMINE: nothing is moved out of new/ */

	/* The store's own. */
	size_t              room;
	int                 root, directory, cur, fresh, tmp; /* root: the Maildir's, borrowed; fresh: new/ */
	struct folder_scan *scan;
};

/*
 * Opens a folder: "INBOX" (in any case), or a name in modified UTF-7 with '.'
 * between levels, as IMAP sends it (RFC 3501 section 5.1.3). EINVAL for a name
 * that cannot be, ENOENT when it does not exist. cur, new and tmp are made
 * when one of them is missing. `m` must stay open as long.
 */
bool folder_open(struct folder *f, const struct maildir *m, struct slice name, bool read_only);
void folder_close(struct folder *f);

/*
 * Brings the view up to date; after the first call uidvalidity and uidnext are
 * known. Gives UIDs to messages that have none (under Dovecot's lock, durable
 * before they are shown). Unless read_only, messages are moved from new/ to
 * cur/ and are `recent` here. Costs two stat calls when nothing changed. When
 * another program replaced the UID list by one of another uidvalidity, fails
 * with ESTALE: the view cannot go on, the session must end or open anew.
 */
bool folder_refresh(struct folder *f);

/*
 * Takes vanished messages out. `gone`, when not NULL, is told each one's index
 * at that moment, as EXPUNGE counts them (index + 1), before it is taken out.
 */
void folder_drop(struct folder *f, void (*gone)(void *context, size_t index), void *context);

/* The following take a message of f->messages. When another session renamed its file they look for it again; ENOENT marks it vanished. */

/* Opens its file for reading; lines end in LF (or CRLF, as another program stored it). -1 with errno. */
int folder_open_message(struct folder *f, struct message *m);
/* Size with CRLF line ends; reads the file when its name does not say. */
bool folder_message_size(struct folder *f, struct message *m, uint64_t *size);
/* Internal date: the file's time of modification, as Dovecot has it. */
bool folder_message_date(struct folder *f, struct message *m, time_t *date);

enum flag_change { FLAGS_ADD, FLAGS_REMOVE, FLAGS_REPLACE };

/* Changes flags and keywords by renaming; m->flags and m->keywords are the result (merged with what others did). */
bool folder_set_flags(struct folder *f, struct message *m, enum flag_change change, uint8_t flags, uint32_t keywords);
/*
 * Around many changes of flags, so that Dovecot's lock is taken once and not
 * for each. No wait for the client may stand between them. False: somebody
 * holds it for long; the changes may go on without, and end is told.
 */
bool folder_begin_changes(struct folder *f);
void folder_end_changes(struct folder *f, bool begun); /* keeps errno */
/* Removes its file and marks it vanished. True as well when it was gone already. */
bool folder_expunge(struct folder *f, struct message *m);
/*
 * Copies it into another folder by a hard link (or by bytes where that cannot
 * be), with flags and keywords; internal date is kept. Durable after
 * folder_sync(to). It gets its UID at the next refresh of `to`; `base`, when
 * not NULL (NAME_MOST + 1 bytes), receives what folder_find_base() finds then.
 */
bool folder_copy(struct folder *f, struct message *m, struct folder *to, char *base);
/* Makes additions to the folder and renames in it durable. */
bool folder_sync(struct folder *f);
/* The message with this base, or NULL. For COPYUID and APPENDUID. */
struct message *folder_find_base(struct folder *f, const char *base);

/*
 * The bit of a keyword (compared without case), made when absent and `create`
 * is set. -1: unknown, or no letter left (ENOSPC), or no valid atom (EINVAL).
 */
int folder_keyword(struct folder *f, struct slice keyword, bool create);

#endif
