/*
 * What a mailbox may hold: Maildir++'s `maildirsize` in the user's Maildir,
 * which Courier, Dovecot, Exim and maildrop keep too (quota_file.h has its rules).
 * The limits are authd's; those in the file are a copy for other programs.
 *
 * Who brings a message:
 *
 *     quota_check()   before it is written, where its size is known so early
 *     quota_take()    when it lies in tmp/: room is taken, or it is refused
 *     (its rename into new/ or cur/; quota_give() when that failed)
 *     quota_done()
 *
 * Who removes some:  quota_begin(), the removals, quota_give() with their sum,
 * quota_done(). All calls are cheap for a mailbox without a limit.
 *
 * What is counted is what lies in new/ and cur/, flagged as deleted or not, as
 * Dovecot counts; Courier, as it is built by default, leaves messages that are
 * flagged as deleted and its Trash out.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "lib/store/folder.h"
#include "lib/store/maildir.h"
#include "lib/store/quota_rules.h"

struct quota {
	struct quota_file         file; /* .limits, .used and .known may be read */
	const struct maildir     *maildir;
	const struct quota_rules *rules;
	bool                      delivers; /* the grace for the last message counts */
	unsigned                  crossed;  /* by quota_take(): the percentage of which the user is to be warned now; 0: none */
};

/* `*q` must stay in place, as `m` and `rules` must. Does nothing yet. `wanted`: it is counted even without a limit, because a domain's sum needs it. */
void quota_open(struct quota *q, const struct maildir *m, struct quota_amount limits, const struct quota_rules *rules, bool wanted);
/* There is something to be counted at all, a limit or a domain's sum. */
bool quota_counts(const struct quota *q);

/* Whether `size` would fit into a folder. */
enum quota_verdict quota_check(struct quota *q, struct slice folder, struct quota_amount size);
/* Counts it if it fits. */
enum quota_verdict quota_take(struct quota *q, struct slice folder, struct quota_amount size);
/* Counts it in any case, without a warning. Before it is in its place. */
void quota_put(struct quota *q, struct slice folder, struct quota_amount size);

void quota_begin(struct quota *q);
/* After messages have gone from the folder, or did not come. */
void quota_give(struct quota *q, struct slice folder, struct quota_amount size);
/* After messages have come that asked for no room. */
void quota_came(struct quota *q, struct slice folder, struct quota_amount size);
/* Keeps errno. */
void quota_done(struct quota *q);

/* What the mailbox holds, in q->file.used. False: it is not known. For GETQUOTA, and to tell authd. */
bool quota_read(struct quota *q);
/* Folders came to be counted or not (a rename out of an uncounted one): the next who asks counts all anew. */
void quota_forget(struct quota *q);

/* What a folder holds; nothing where that is not counted. */
struct quota_amount quota_of_folder(const struct quota *q, struct slice folder);
/* The size of a message as a quota counts it; zero messages when its file is gone. */
struct quota_amount quota_of_message(const struct folder *f, const struct message *m);
/* The same by its name, without a look whether the file is there: for whoever finds that out, by linking or removing it. */
struct quota_amount quota_of_name(const struct folder *f, const struct message *m);
void quota_sum(struct quota_amount *sum, struct quota_amount more);

#endif
