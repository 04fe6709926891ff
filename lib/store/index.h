/*
 * The index of a folder: what a view is made of, in one file that is read in
 * one go, so that neither the directories nor the messages are.
 *
 * Truth is elsewhere: UIDs in `dovecot-uidlist`, flags and keywords in names,
 * all else in the message files. The index may be deleted at any time. It says
 * what was true when three stamps (inode, time, size of new/, cur/ and the UID
 * list) were as it has them: as long as stat(2) says the same it is believed,
 * and else the directories are read and the index learns the differences. It
 * is never synced; a torn or noisy one is rebuilt (index_file.h).
 *
 * What is in it, and why:
 *   - of a message: UID, name, keywords, flags, mod-sequence
 *   - facts, bound to the file's inode: size, wire size, internal date, date
 *     sent; ENVELOPE and BODYSTRUCTURE as IMAP sends them; and, as they stand
 *     in the file, the header fields that clients list and thread by
 *     (facts.c), in one piece, so that a HEADER.FIELDS of those is answered,
 *     searched and sorted without the file. BODY without extensions is not
 *     kept: nobody lists by it. The save date is the time in the name, as
 *     every program that puts files into a Maildir sets it.
 *   - UIDs that were expunged, with their mod-sequence, the last INDEX_GONE_KEPT
 *   - in the state, what STATUS counts (status.h), until a record of a message is written
 *
 * Who writes, under the file's lock: a session that found a difference or made
 * one, and a delivery (facts by base, without UID: the number is given by
 * whoever looks next, under Dovecot's lock). States and the one step between:
 *
 *     blocks behind state.end    nothing; the next writer writes over them
 *     state written              all before its end is there for all
 *
 * Changes of cur/ by a session go in three steps under the lock: cur/'s stamp
 * is compared with the state's; files are renamed; records and the new stamp
 * are written. When the first comparison failed another program was there, the
 * old stamp stays and the next look reads the directory. One who was killed
 * in between leaves a stamp that is not true, which is the same.
 * A change by another program within the same tick of the clock as ours cannot
 * be seen in a stamp: therefore a stamp that was young when it was taken is
 * `sure` only after one more look, when the directory has been quiet for a
 * second. new/'s stamp is never taken but by reading it.
 *
 * Mod-sequences are microseconds of the clock, or one more than the last where
 * that is later. The state has the last. So that a lost, torn or older index
 * and a clock that jumps back give none twice, a bound is kept in the UID list's
 * header (field M, durable): none above it is given before a higher one stands
 * there. An index that does not match the bound goes on behind it.
 *
 * Locks are taken in this order: index, then `dovecot-uidlist.lock` or the flock
 * of cur/. Of two folders never both. Where the lock cannot be had (a hostile
 * holder, a file system without locks, no room), the view works without the
 * index, by reading the directories, and has no mod-sequences.
 *
 * The store's own: others see it through folder.h.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/folder.h"
#include "lib/store/index_file.h"
#include "lib/store/name.h"

#define INDEX_GONE_KEPT 10000

#define INDEX_DOUBT_FRESH 1u
#define INDEX_DOUBT_CUR   2u
#define INDEX_DOUBT_LIST  4u
#define INDEX_DOUBTS      7u

struct folder_index {
	struct index_file file;
	uint64_t id;        /* of the file that the view follows; 0: none */
	uint64_t read_to;   /* blocks before it are in the view */
	bool     usable;    /* the view is what the file says, and more at most */
	bool     broken;    /* it must be written anew */
	bool     news;      /* following it brought something */
	bool     recheck;   /* the view may lack what the file has: look at the directories */
	/* A change under way. */
	unsigned depth;
	bool     listed;    /* the list's lock is held, taken before the file's: who wants both takes them in this order */
	bool     locked;
	bool     chained;   /* cur/ was as the state says when the change began */
	bool     followed;  /* the view had all that the file had: what is added now is in it already */
	bool     renamed;   /* something was changed in cur/ */
	uint64_t modseq;    /* of this change; 0: none yet */
	int64_t  off_until; /* clock_ms(): the lock could not be had; it is not tried before */
	struct str messages, facts, gone; /* records of the change */
	struct str learned, texts;       /* facts that are to be written, their text_at within texts */
	struct str deliveries;           /* facts by base that wait for their messages: struct index_facts, base */
	struct str composed;             /* texts that were made last */
	struct str lost;                 /* UIDs of messages that left the view before the index knew that they are gone */
	/* The last look at the directories. */
	int64_t  looked, look_time; /* ms */
	/* The message that was opened last, so that what is learned of its text needs no look at the file again. */
	uint32_t    opened_uid; /* 0: none */
	struct stat opened;
};

/* Makes f->index when it is not there. False without memory. */
bool index_prepare(struct folder *f);
void index_free(struct folder *f);

/*
 * Brings into the view what the file has and the view has not: messages behind
 * the others, flags, what is gone. False: there is no index that can be
 * believed; the view is as it was, or (at the first call) empty.
 */
bool index_follow(struct folder *f);
/* Of a folder that is not read: whether its index's state, which is read, says what is there now. */
bool index_peek(struct folder *f);
/* The message with this UID, or NULL; the place that `hint` says is looked at first, and becomes the next one. */
struct message *index_find_uid(struct folder *f, uint32_t uid, size_t *hint);
/* What the look just made found becomes what the state says; not what it may have missed. */
void index_take_stamps(struct folder *f, struct index_state *s);
/* Where the folder is not, or not for sure, as the index says; 0: nobody need look. */
unsigned index_doubts(const struct folder *f);
/* What was read out of it is not the list's: it will be written anew. */
void index_disbelieve(struct folder *f);
/*
 * The view's messages and UIDs are those of the list (read by the caller, or what
 * was appended to it since). `*news`: it has newer ones besides.
 */
struct uidlist;
bool index_verify(const struct folder *f, const struct uidlist *l, bool *news);

/*
 * A change of the folder. May be nested. Between begin and end, m->unnoted is
 * what index_note() takes; without the lock it stays for the next look.
 */
void index_begin(struct folder *f);
void index_note(struct folder *f, struct message *m);
/* The same of a message that is in no view, under the lock. False: the index is broken. */
bool index_note_unseen(struct folder *f, struct message *m);
/* Appends the records that were noted; they show when the change ends. */
bool index_write_batch(struct folder *f);
struct index_stamp index_stamp_now(int directory);
#define INDEX_OFF_TIME 10000 /* ms without trying, after it could not be had */
void index_end(struct folder *f);
/* A vanished message leaves the view. */
void index_dropped(struct folder *f, const struct message *m);

/* After a look at the directories within a change: the index learns all that is unnoted, or is written anew. */
void index_agree(struct folder *f);
/*
 * Writes it anew, from the view and what the old one has of facts. Under the
 * lock. False with errno, and the old one stands.
 */
bool index_rewrite(struct folder *f);

/* The next mod-sequence for the change under way, covered by a durable bound; 0: there is none. */
uint64_t index_modseq(struct folder *f);

/* That the facts are the message's, whose date is set: its `sent_after`. */
void index_know_sent(struct message *m, const struct index_facts *facts);
/* What the index knows of a message, checked; false when that is nothing. */
bool index_facts_of(struct folder *f, const struct message *m, struct index_facts *facts);
/* Facts for a message, to be written with others later; `texts` are one behind the other. */
void index_learn(struct folder *f, struct message *m, const struct index_facts *facts, struct slice texts);
void index_write_learned(struct folder *f);

/*
 * A delivery: what a message is, under its base, for whoever gives it its UID.
 * `text` is the whole message, or has no data: then only dates and sizes are
 * told. Nothing is told where there is no index, and nothing fails.
 */
struct index_delivery {
	int          directory; /* of the folder */
	int          file;      /* the message, open */
	const char  *base;
	uint64_t     wire_size;
	struct slice text;
};

void index_deliver(const struct index_delivery *d);

/* The newest expunges, a ring of INDEX_GONE_KEPT. */
struct gone_list {
	struct index_gone *gone; /* malloc'ed, or NULL */
	size_t             first, count;
	uint64_t           forgotten; /* the highest mod-sequence that fell out */
};

void gone_list_add(struct gone_list *l, const struct index_gone *record);
/* Reads those of the file, in the order in which they were written. False: the file is not to be believed, or no memory. */
bool index_gone_read(struct folder *f, struct gone_list *l);

#endif
