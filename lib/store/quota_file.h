/*
 * A file in the form of `maildirsize` (maildirsize.h) in a directory: kept by
 * appending a line for each change, and counted anew by Maildir++'s rules: when
 * it is absent, broken, has 5120 bytes or other limits, and when it says that
 * there is no room while it has more than one line or is 15 minutes old. The
 * store's own.
 *
 * Maildir++ knows no locks, and lets a few messages too many in. Ours:
 *
 *     flock(2) of the directory, shared      from counting a message until it is in its place
 *     the same, exclusive                    while it is counted anew
 *     flock(2) of the file, exclusive        looking whether there is room, and taking it
 *
 * So of Postern's own programs none gets past the limit, and a count misses
 * nothing. One process may be entered several times (a group of deliveries into
 * one mailbox); when it counts, it gives its own shared locks up meanwhile and
 * adds what it has taken and not placed yet. Whoever holds a lock for ever delays others by QUOTA_PATIENCE, and
 * where flock fails (some NFS) it is as Maildir++ has it. The file's change is
 * not synced: what a power cut leaves of it is counted anew.
 */
#ifndef STORE_QUOTA_FILE_H
#define STORE_QUOTA_FILE_H

#include <sys/types.h>

#include "lib/store/maildirsize.h"

#define QUOTA_PATIENCE 2000      /* ms */
#define QUOTA_STALE    (15 * 60) /* seconds */

enum quota_verdict {
	QUOTA_FITS,
	QUOTA_OVER,
};

/* What a change may have beyond the limits. */
struct quota_beyond {
	struct quota_amount more; /* so much more than they say */
	uint64_t            last; /* bytes: and so far past that, when it begins below */
	bool                any;  /* it is not asked for room */
};

struct quota_file {
	/* Set by the owner. */
	int                 directory; /* borrowed; also what is locked */
	bool                has_tmp;   /* a new file is begun in its tmp/, as in a Maildir; else beside the old one */
	const char         *name;      /* a literal */
	struct quota_amount limits;
	bool                wanted;    /* made when it is absent, even without a limit */
	bool                foresees;  /* count() knows what was taken and is not in its place yet */
	int64_t             doubt;     /* seconds after which "no room" is counted anew: QUOTA_STALE by Maildir++'s rules */
	int64_t             life;      /* seconds after which it is counted anew in any case; 0: only by Maildir++'s rules */
	/* Counts all. `*still`: nobody changed anything meanwhile, so that the result may be kept. False with errno. */
	bool (*count)(void *context, struct quota_amount *used, bool *still);
	/* Called when room was taken, while the file is locked. May be NULL. */
	void (*taken)(void *context);
	void *context;

	/* Told. */
	struct quota_amount before, used; /* as last seen: before the last change and after it */
	bool                known;        /* `used` is something */
	bool                kept;         /* the last count could be kept */

	/* Its own. */
	bool follows; /* limits were compared once: from now on those of the file count, which another program renews */
	bool locked;
	bool hindered;                 /* somebody holds the lock and does not give it up: without, then */
	bool entered;                  /* it is in the list: must stay in place until it is left */
	struct quota_file *next;
	dev_t              device;     /* of the directory, while it is entered */
	ino_t              inode;
	struct quota_amount pending;   /* taken since, so perhaps not in its place */
};

/* A change is going to be made: nobody counts until quota_file_leave(). */
void quota_file_enter(struct quota_file *f);
void quota_file_leave(struct quota_file *f);

/*
 * Takes room for `size`, if there is so much: the line is written. On
 * QUOTA_FITS it stays entered, and what was counted is to be put into its
 * place before quota_file_leave(). When nothing can be counted it fits
 * (logged): mail must not stop for that.
 */
enum quota_verdict quota_file_take(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b);
/* Whether there would be room; changes nothing but the count. */
enum quota_verdict quota_file_check(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b);
/* A change that asks for no room and is done already; signed. */
void quota_file_add(struct quota_file *f, int64_t bytes, int64_t messages);
/* Brings f->used up to date. False: it is not known. */
bool quota_file_read(struct quota_file *f);
/* The file is not to be believed any more. */
void quota_file_forget(struct quota_file *f);

#endif
