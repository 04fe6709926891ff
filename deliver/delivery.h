/*
 * One message into one folder, in two steps with the syncs between them, so
 * that a group of deliveries (group.h) shares these.
 */
#ifndef DELIVER_DELIVERY_H
#define DELIVER_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "deliver/admit.h"
#include "deliver/mailbox.h"
#include "deliver/plan.h"
#include "deliver/rules.h"
#include "deliver/source.h"
#include "lib/base/outcome.h"
#include "lib/store/folders.h"
#include "lib/store/save.h"

struct delivery {
	const char *id;       /* queue id, for the log; NULL: none */
	const char *sender;   /* "" for the null sender */
	const char *address;  /* the recipient that has a Maildir */
	const char *final;    /* the same as Delivered-To names it */
	const char *original; /* what the sender wrote; may be the same */
	const char *folder;   /* where to, whatever the address says; NULL: the address says it */
	int         message;  /* regular file, or any descriptor when `stream` */
	uint64_t    offset;   /* where the message begins */
	uint64_t    length;   /* UINT64_MAX: to the end of the file */
	bool        stream;   /* read until the end, as a pipe */
};

#define WAYS_KNOWN 64

/* What is needed for it, kept from one delivery to the next. */
struct deliverer {
	int                   mail_root;
	const struct rules   *rules;
	struct mailbox_client authd;
	struct source         source;
	struct plan           plan; /* of the delivery that is begun */

	/* Directories new/ whose way from the mail root this process has synced. */
	struct {
		dev_t device;
		ino_t inode;
	} ways[WAYS_KNOWN];
	size_t way_count;
};

/* A delivery between its two steps. */
struct under_way {
	bool            written; /* its file is in tmp/, to be finished by save_finish_all() */
	struct outcome  outcome; /* when it is not, or has ended */
	struct delivery what;    /* its texts are in `texts`; the descriptor is the caller's */
	char           *texts;
	char           *path;    /* of the Maildir, for the log */
	dev_t           device;  /* of the message's file */
	ino_t           inode;
	uint64_t        mark;    /* lib/store/duplicates.h; 0: none */
	struct maildir  maildir;
	struct folder   folder;
	bool            extra;    /* a further copy of the delivery before it: its outcome is part of that one's */
	bool            scripted; /* what.folder is a script's word */
	bool            creates;  /* and it is made when it is absent */
	char            in[FOLDER_NAME_MOST + 3]; /* the folder's directory beneath `path`: ".Work/"; "" is INBOX */
	struct admission admission;
	struct save     save;
};

/*
 * Looks the mailbox up, asks the recipient's script (sieve.h), opens the folder
 * (target.h) and writes the message to tmp/, as `all[count]`; the script's
 * further folders behind it, hard links where that can be. Returns how many
 * were begun: 1 to PLAN_STORES_MOST, all but the first `extra`. When the rules
 * let copies share a file, those of `all` before are looked at for one of the
 * same message. The outcome is there when nothing was written: no such
 * mailbox, trouble, no room (admit.h), a duplicate or what the script sent
 * elsewhere, which are done, or what it refused. What it sends has been taken
 * by the queue then.
 */
size_t delivery_begin(struct deliverer *d, const struct delivery *what, struct under_way *all, size_t count);
/*
 * Behind save_finish_all(): `u->outcome`. Done: the message is durable.
 * Temporary: nothing of it is there. Then all that it held is given back.
 */
void delivery_end(struct deliverer *d, struct under_way *u);

#endif
