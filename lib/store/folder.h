/*
 * A folder and the messages in it, as IMAP and POP3 want to see them: an array
 * in the order of UIDs that changes only when its owner asks.
 *
 *     folder_open()     opens the directories; cheap, nothing is read
 *     folder_refresh()  looks at the disk: new messages are added behind the
 *                       others, those that are gone are marked, those whose
 *                       flags another session changed are marked
 *     folder_drop()     takes the marked ones out of the array
 *     folder_status()   only counts (status.h)
 *
 * The first refresh reads one file, the index, where that is true (index.h);
 * later ones what was added to it. What a message is, beyond its struct, is
 * asked with folder_message_*(), which look into the index first.
 *
 * UIDs are Dovecot's `dovecot-uidlist`, keywords its `dovecot-keywords`.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/slice.h"
#include "lib/store/maildir.h"
#include "lib/store/name.h"

#define SIZE_UNKNOWN UINT64_MAX

/* 64 bytes, of which there are a million in a large folder: what is added here is multiplied (postern-maildir(5), LIMITS). */
struct message {
	uint32_t uid;
	uint32_t keywords;  /* bits; names in folder.keywords */
	char    *name;      /* the file's name now (as last seen), NUL behind it */
	uint64_t wire_size; /* RFC822.SIZE: with CRLF; SIZE_UNKNOWN: ask folder_message_size() */
	uint64_t modseq;    /* RFC 7162; 0: not known, as long as folder.highest_modseq is 0 or the change is not noted */
	int64_t  date;      /* internal date, seconds; 0: ask folder_message_date() */
	uint64_t inode;     /* the store's own; 0: not known */
	uint64_t facts;     /* the store's own: place of its facts in the index's file, or 0 */
	uint8_t  flags;     /* enum message_flag */
	uint8_t  base_len;  /* of name */
	bool     in_new : 1;    /* the file is still in new/ */
	bool     recent : 1;    /* this session moved it out of new/ */
	bool     vanished : 1;  /* the file is gone; folder_drop() will take it out */
	bool     changed : 1;   /* flags or keywords were changed by somebody else; the owner of the view clears it */
	/* The store's own. */
	bool     seen : 1;      /* found by the scan under way */
	bool     missed : 1;    /* not found by the last one */
	bool     unnoted : 1;   /* the index does not know it as it is */
	bool     indexed : 1;   /* the index has a record of it */
	bool     replaced : 1;  /* it is another file than the index says */
	int32_t  sent_after;    /* as long as `facts` is: the Date field's seconds behind `date`; SENT_UNKNOWN: ask the facts */
};

#define SENT_UNKNOWN INT32_MIN

struct folder_scan; /* the store's own */
struct folder_index; /* the store's own */

struct folder {
	/* For the owner of the view to read. */
	struct message *messages;     /* by uid, ascending */
	size_t          count;
	size_t          vanished;     /* how many of them are marked */
	uint32_t        uidvalidity;  /* 0 until the first refresh */
	uint32_t        uidnext;
	uint64_t        highest_modseq; /* of all messages and expunges; 0: this folder has none now (RFC 7162: NOMODSEQ) */
	char           *keywords[KEYWORDS_MOST]; /* name of each bit, or NULL */
	bool            read_only;    /* EXAMINE: nothing is moved out of new/ */

	/* The store's own. */
	size_t              room;
	int                 root, directory, cur, fresh, tmp; /* root: the Maildir's, borrowed; fresh: new/ */
	struct folder_scan *scan;
	struct folder_index *index;
};

/*
 * Opens a folder: "INBOX" (in any case), or a name in modified UTF-7 with '.'
 * between levels, as IMAP sends it (RFC 3501 section 5.1.3). EINVAL for a name
 * that cannot be, ENOENT when it does not exist. cur, new and tmp are made
 * when one of them is missing. `m` must stay open as long.
 */
bool folder_open(struct folder *f, const struct maildir *m, struct slice name, bool read_only);
/* The same for folder_status() and folder_refresh() alone, which open what is in it where they need it. */
bool folder_find(struct folder *f, const struct maildir *m, struct slice name, bool read_only);
void folder_close(struct folder *f);
/* The same for a process that ends: what the index is to learn is written, the rest goes with the process, which is cheaper. */
void folder_leave(struct folder *f);
/* For one that will not be used for a while: gives back the memory that the next use can take again. */
void folder_rest(struct folder *f);
/* The same of what a process keeps from one folder to the next. */
void folder_rest_spare(void);

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
/* The same, with what fstat(2) says of it; the internal date is known then. */
int folder_open_message_stat(struct folder *f, struct message *m, struct stat *st);
/* Size with CRLF line ends; reads the file when its name does not say. */
bool folder_message_size(struct folder *f, struct message *m, uint64_t *size);
/* Internal date: the file's time of modification, as Dovecot has it. */
bool folder_message_date(struct folder *f, struct message *m, time_t *date);
/* When it was saved in this folder (RFC 8514): the time that its name begins with. False when that is none. */
bool folder_message_save_date(const struct message *m, time_t *date);

/* What is kept ready of a message's text; all slices are valid until the next call with this folder. */
struct message_texts {
	struct slice envelope;  /* as FETCH ENVELOPE sends it */
	struct slice structure; /* as FETCH BODYSTRUCTURE sends it */
	struct slice header;    /* the fields that folder_header_kept() names, as they stand in the file, and an empty line */
	int64_t      sent;      /* the first Date field, seconds; INT64_MIN: none that can be read */
};

/*
 * When it was sent, as in message_texts, from the index without the texts.
 * False: it does not know of that.
 */
bool folder_message_sent(struct folder *f, struct message *m, int64_t *sent);
/* From the index. False: it has nothing, or what it has cannot be believed: open the file, and teach it. */
bool folder_message_texts(struct folder *f, struct message *m, struct message_texts *t);
/*
 * Makes them of the message's whole text (as it is in its file, which was best
 * the one opened last) and has the index remember them. False when they are too large to be kept, or without memory.
 */
bool folder_message_learn(struct folder *f, struct message *m, struct slice text, struct message_texts *t);
/* Whether every field of that name is in message_texts.header. */
bool folder_header_kept(struct slice name);

/*
 * Around many changes of one folder: they become visible to others, and get
 * their mod-sequence, together, and Dovecot's lock and the index's are taken once. Others wait meanwhile, so nothing slow is done
 * between the two, such as writing to a client. Changes outside are each one of
 * their own.
 */
void folder_change_begin(struct folder *f);
void folder_change_end(struct folder *f);

/*
 * Tells `gone` of each expunged UID whose mod-sequence is above `modseq`, in no
 * order, some perhaps twice (RFC 7162, VANISHED). False when not all are
 * remembered: then every UID that is not in the folder may have gone since.
 */
bool folder_expunged_since(struct folder *f, uint64_t modseq, void (*gone)(void *context, uint32_t uid), void *context);

enum flag_change { FLAGS_ADD, FLAGS_REMOVE, FLAGS_REPLACE };

/* Changes flags and keywords by renaming; m->flags and m->keywords are the result (merged with what others did). */
bool folder_set_flags(struct folder *f, struct message *m, enum flag_change change, uint8_t flags, uint32_t keywords);
/* Removes its file and marks it vanished. True as well when it was gone already. */
bool folder_expunge(struct folder *f, struct message *m);
/* The same; `*removed`: it was there, and this call has removed it. */
bool folder_remove(struct folder *f, struct message *m, bool *removed);
/* A message that was just put into a folder. */
struct folder_added {
	const char *base;
	uint32_t    keywords; /* bits of that folder */
	uint32_t    uid;      /* folder_number() */
	uint8_t     flags;
};

/*
 * Copies it into another folder by a hard link (or by bytes where that cannot
 * be), with flags and keywords; internal date is kept. folder_number() makes it
 * durable and gives it its UID; `added` is made ready for that, its base in
 * `base` (NAME_MOST + 1 bytes).
 */
bool folder_copy(struct folder *f, struct message *m, struct folder *to, char *base, struct folder_added *added);
/*
 * UIDs for messages that are put into cur/ of the folder between these two; 0
 * for one that is gone again. Names and UIDs are durable then, by one sync where
 * that does (settle.h). A folder that was only opened is not read for it where
 * its index knows all that the UID list has, and nobody else gave numbers
 * meanwhile: they are appended to both. Otherwise it is refreshed. False with
 * errno: the names may not be durable. `*uidvalidity` 0: they are, and no UIDs are known.
 */
bool folder_number_begin(struct folder *f);
bool folder_number(struct folder *f, struct folder_added *added, size_t count, uint32_t *uidvalidity);
/* The same for one that save_place() has put there, which save_settle() makes durable: where that fails s->trouble says so. */
struct save;
bool folder_number_saved(struct folder *f, struct save *s, struct folder_added *added, uint32_t *uidvalidity);
/* Makes additions to the folder and renames in it durable. */
bool folder_sync(const struct folder *f);
/* Where the first message stands whose UID is not below `uid`; f->count: none. All of them have UIDs, in order. */
size_t folder_place_of(const struct folder *f, uint32_t uid);
/* The message with this base, or NULL. For COPYUID and APPENDUID. */
struct message *folder_find_base(struct folder *f, const char *base);

/*
 * The bit of a keyword (compared without case), made when absent and `create`
 * is set. -1: unknown, or no letter left (ENOSPC), or no valid atom (EINVAL).
 */
int folder_keyword(struct folder *f, struct slice keyword, bool create);

#endif
