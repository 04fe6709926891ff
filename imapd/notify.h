/*
 * NOTIFY (RFC 5465): the client says of which folders it wants to be told what,
 * and is told at any time, whether a command runs or not. What it said is kept
 * as it was parsed; which folders that means is found anew whenever folders or
 * subscriptions change. inotify says where to look, and a folder is told of by
 * comparing it with what the client was told last.
 *
 * INBOXES are PERSONAL here: mail may be delivered into any folder (Sieve), and
 * section 6.3 wants it so then.
 */
#ifndef IMAPD_NOTIFY_H
#define IMAPD_NOTIFY_H

#include "imapd/parse_fetch.h"
#include "imapd/session.h"
#include "imapd/status.h"
#include "lib/store/folders.h"

#define NOTIFY_GROUPS_MOST  50
#define NOTIFY_NAMES_MOST   500  /* in one group */
#define NOTIFY_FOLDERS_MOST 1000 /* whose messages are watched; more are refused */
#define NOTIFY_RENAMES_MOST 256  /* between two looks; beyond that one folder went and another came */
#define NOTIFY_OWN_MOST     64   /* changes of this session between two looks; of those beyond it is told */
#define NOTIFY_PAUSE        500  /* ms between two looks at one folder */
#define NOTIFY_SETTLED      200  /* ms behind a rename: those beneath the folder follow one by one, and all are told of as one */

enum notify_event {
	NOTIFY_NEW = 1 << 0,
	NOTIFY_EXPUNGE = 1 << 1,
	NOTIFY_FLAGS = 1 << 2,
	NOTIFY_NAMES = 1 << 3,
	NOTIFY_SUBSCRIPTIONS = 1 << 4,
	NOTIFY_ANNOTATIONS = 1 << 5, /* of messages; this and OTHER are none of ours */
	NOTIFY_OTHER = 1 << 6,
	NOTIFY_METADATA = 1 << 7,        /* of folders: RFC 5464 */
	NOTIFY_SERVER_METADATA = 1 << 8, /* of the account, whatever folders stand beside it */
	NOTIFY_MESSAGES = NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS,
};

enum notify_filter { NOTIFY_SELECTED, NOTIFY_DELAYED, NOTIFY_PERSONAL, NOTIFY_SUBSCRIBED, NOTIFY_SUBTREE, NOTIFY_MAILBOXES };

struct notify_group {
	enum notify_filter filter;
	unsigned           events; /* 0: NONE */
	struct slice      *names;  /* of SUBTREE and MAILBOXES, as the client says them */
	size_t             count;
};

struct notify_request {
	bool                 none;   /* NOTIFY NONE */
	bool                 status; /* of all folders whose messages are watched, now */
	bool                 selected, delayed; /* there is a group for the selected folder */
	unsigned             selected_events;
	struct fetch_item   *items;  /* to be told of its new messages, or NULL */
	unsigned             all;    /* events of all groups */
	struct notify_group *groups; /* for the other folders */
	size_t               count;
};

/* What follows NOTIFY; all of it lies in the parser's text and scratch memory. */
bool parse_notify(struct parser *p, struct notify_request *r);

/* A folder whose messages are watched. */
struct notify_folder {
	char         *name;     /* as the client says it */
	unsigned      events;
	int           watches[2]; /* cur, new; -1: not now */
	bool          dirty;    /* something has happened there */
	bool          silent;   /* it was the selected one: what happened is known */
	bool          wanted;   /* while the list is made anew */
	int64_t       looked;   /* clock_ms() */
	struct status told;
};

struct notify_rename {
	uint32_t cookie;
	char    *from, *to; /* names on the disk, without the dot; `to` NULL: not yet */
};

/* A folder whose name or subscription this session changed itself. */
struct notify_own {
	char *name;    /* the store's */
	bool  beneath; /* and those beneath it */
};

struct notify {
	struct scratch        memory;  /* of what the client said */
	struct notify_request request;
	struct notify_folder *folders; /* NOTIFY_FOLDERS_MOST at most */
	size_t                count, room;
	struct folder_names   names, subscribed; /* as the client knows them */
	struct notify_rename  renames[NOTIFY_RENAMES_MOST];
	size_t                renamed;
	struct notify_own     own[NOTIFY_OWN_MOST];
	size_t                owned;
	int                   descriptor; /* inotify */
	int                   root;       /* the watch of the Maildir itself */
	bool                  relist;  /* folders or subscriptions have changed */
	bool                  at_once; /* this session has changed them, and is done */
	int64_t               settled; /* clock_ms(): renames of others are done then, as it seems */
	char                  selected[FOLDER_NAME_MOST + 1]; /* the store's name of the folder that is watched as the selected one, or "" */
	int                   selected_watches[2];
	bool                  selected_dirty;
};

/* Whether two names, both the store's or both the client's, are one folder's. */
bool notify_same(struct slice a, struct slice b);
/* The events of the groups that a folder is in. */
unsigned notify_events_of(const struct notify *n, struct slice name);
/* Whether it wants to be told of a folder's annotations, as the client names it; "": the account's. */
bool notify_wants_metadata(const struct notify *n, struct slice mailbox);

/* --- watching (notify_watch.c) --- */

/* Watches the Maildir itself. False with errno: no more watches are to be had. */
bool notify_watch_begin(struct notify *n);
/*
 * Finds out which folders are meant, watches them, and looks at those that were
 * not watched before: `told` is what they have. False with errno; E2BIG: they are too many.
 */
bool notify_watch_folders(struct session *s, struct notify *n);
/* The selected folder may be another one now. */
void notify_watch_selected(struct session *s);
bool notify_has_watch(const int watches[2], int watch);
/* Reads what inotify has to say. (notify_events.c) */
void notify_read_events(struct notify *n);
void notify_free(struct notify *n);
void notify_forget_renames(struct notify *n);

/* --- names and subscriptions (notify_names.c) --- */

/* This session has changed a folder's name or subscription (the store's name): it is not told so, if it has said NOTIFY at all. */
void notify_own_change(struct session *s, struct slice name, bool beneath);
void notify_forget_own(struct notify *n);
/* Finds the folders anew and tells what has changed. False with errno, as notify_watch_folders(). */
bool notify_tell_names(struct session *s);

/* --- telling (notify_tell.c) --- */

/* What a STATUS response has for a folder with these events. */
struct status notify_status(const struct session *s, unsigned events);
/*
 * Tells all that is to be told now, and ends NOTIFY where it cannot go on.
 * `expunges`: of the selected folder, even if it is SELECTED-DELAYED. Returns
 * after how many ms there is more to tell, or -1. May end the session (s->done).
 */
int notify_look(struct session *s, bool expunges);
/* The selected folder's news, as far as they are wanted; those above `last_uid` with what the client wants of new messages. */
void notify_tell_new(struct session *s, uint32_t last_uid);
/* The highest UID that the client was told of, or 0. */
uint32_t notify_last_uid(const struct session *s);
/* NOTIFY NONE: nothing is told any more, of the selected folder neither. */
void notify_end(struct session *s);

#endif
