/*
 * Where messages go: next hops, and mailboxes here. Each has a line of groups
 * (recipients of one message that go together), a window for how many are
 * served at a time, and, when its host has failed, the reason. Those with a
 * line take turns, and so do the messages in a line. What has neither a line
 * nor a past is forgotten; of the pasts DESTINATIONS_MOST are kept.
 */
#ifndef QUEUE_DESTINATION_H
#define QUEUE_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "queue/window.h"

#define DESTINATIONS_MOST 10000

struct message;
struct delivery;
struct destination;

struct group {
	struct group       *next;
	struct destination *destination; /* NULL before it joined a line */
	struct message     *message;
	uint64_t            turn;        /* its place in the line: a message's next group comes a round later */
	size_t              count;
	struct delivery    *members[];
};

/* One kind of way out: channels to postern-remote, or deliver workers. */
struct traffic {
	struct window_rules rules;
	size_t              places; /* groups that can be served at a time */
	size_t              busy;
	struct destination *next;   /* whose turn it is, of those with a line */
};

struct destination {
	struct destination *in_slot;         /* the next one of that slot of the table */
	struct destination *next, *previous; /* in the ring of those with a line, or among the idle ones */
	struct traffic     *traffic;
	uint32_t            tag;             /* never 0; two may share one, once in millions */
	struct window       window;
	struct outcome     *reason;          /* why it is dead */
	size_t              busy;            /* groups being served */
	size_t              waiting;         /* groups in its line */
	size_t              parked;          /* messages that wait for a place in its line, as far as is known */
	uint64_t            turn;            /* of the group that was served last */
	struct group       *first, *last;
	size_t              name_len;
	char                name[];
};

/* The destination of that name, made when it is new. NULL: no memory. It may be gone after any other call below. */
struct destination *destination_of(struct traffic *t, struct slice name);
/* The one with that tag, or NULL. */
struct destination *destination_tagged(uint32_t tag);

enum admission {
	DESTINATION_OPEN,
	DESTINATION_FULL, /* its line is as long as it may be now, or a probe is under way */
	DESTINATION_DEAD, /* its host has failed; ->reason */
};

/*
 * May a further group join its line? `room` is how many further messages the
 * manager could have at work: the less, the shorter the lines.
 */
enum admission destination_admits(const struct destination *d, size_t room, int64_t now);
/*
 * How many of those that are parked may come: as many as its line has room for when half of it or more is empty, else 0.
 * When it is dead all may come, to be deferred.
 */
size_t destination_wants(const struct destination *d, size_t room, int64_t now);
/* `several`: the message may have other groups in this line. */
void destination_join(struct destination *d, struct group *g, bool several);
/* Nothing came of it: it is forgotten when nothing else is known of it. */
void destination_leave(struct destination *d);

/* The group whose turn it is, now counted as being served. NULL: no place, or nobody waits who may be served. */
struct group *destination_next(struct traffic *t, int64_t now);
/* There is a group that could be served now. */
bool destination_is_ready(const struct traffic *t, int64_t now);
/* Any group that waits, not counted as being served; NULL: none. */
struct group *destination_take(struct traffic *t);

enum served {
	SERVED_WELL,   /* the host was there, whatever became of the recipients */
	SERVED_BADLY, /* it could not be reached, or the session failed; `why` */
	SERVED_NOT,   /* trouble of our own: it says nothing of the host */
};

/*
 * A group of it is not served any more. True: its host is dead from now on, and
 * `*line` is what stood in its line, to be deferred for the same reason. Else NULL.
 */
bool destination_served(struct destination *d, enum served s, const struct outcome *why, int64_t now, struct group **line);
/* What is dead is to be tried again: an administrator wants it. */
void destinations_revive(void);

#endif
