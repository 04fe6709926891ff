/*
 * Threads of messages (RFC 5256 section 3; REFS: draft-ietf-morg-inthread). A
 * node is a message, or stands for one that is not there. Nodes are linked by
 * their parents alone until all is known; then all of them are put in order in
 * one go, so that nothing here recurs, and time stays near to linear:
 *
 *     thread_link_references()  who answers whom (steps 1 to 3)
 *     thread_merge_subjects()   threads of one subject (steps 4 and 5)
 *     thread_write()            sorts (step 6) and writes
 */
#ifndef IMAPD_THREAD_H
#define IMAPD_THREAD_H

#include <stdint.h>

#include "imapd/match.h"
#include "lib/base/siphash.h"

#define THREAD_NONE       UINT32_MAX
#define THREAD_NODES_MOST 400000 /* of 64 bytes: messages, and those that they refer to */
#define THREAD_DEPTH_MOST 1000   /* answers to answers; deeper ones begin a thread */
#define THREAD_REFERENCES 200    /* of one message, the last ones */

struct thread_node {
	uint64_t id;        /* a keyed hash of the Message-ID */
	uint64_t subject;   /* of the base subject, folded; 0: it is empty */
	int64_t  date;      /* sent */
	int64_t  arrival;   /* internal date; where threads are in its order, of the thread's newest */
	uint32_t message;   /* index in the view, or THREAD_NONE */
	uint32_t parent;
	uint32_t child, last, next; /* in order, once sorted */
	bool     reply;     /* its subject says so */
	bool     named;     /* `id` is its own */
};

struct threads {
	struct session     *session;
	struct siphash_key  key;
	struct thread_node *nodes;
	uint32_t           *table; /* by id: open addressing */
	size_t              count, room, slots;
	uint32_t           *dated;   /* nodes of messages by date, once they were sorted */
	size_t              messages; /* of them */
	struct str          text;    /* a subject's, while it is made */
	bool                failed;  /* no memory, or too many nodes */
	bool                missing; /* a message could not be read */
};

/* False: t->failed. */
bool thread_open(struct threads *t, struct session *s, size_t messages);
void thread_close(struct threads *t);

/* The node of that id, made where there is none; THREAD_NONE: t->failed. */
uint32_t thread_node_of(struct threads *t, uint64_t id);
/* A new one that has no id. */
uint32_t thread_node_new(struct threads *t);

/* The next "<left@right>" in a field's value, as its hash; quotes are no part of it (RFC 5256 section 2.2). False at the end. */
bool thread_next_id(const struct siphash_key *key, struct slice *text, uint64_t *id, bool *failed);

/* What threads are made of, as found in a header in one pass; without data: it is not there. */
enum thread_field { THREAD_MESSAGE_ID, THREAD_IN_REPLY_TO, THREAD_REFERS_TO, THREAD_SUBJECT, THREAD_DATE, THREAD_FIELDS };
struct thread_header {
	struct slice values[THREAD_FIELDS];
	bool         has_sent; /* the index knows when it was sent, so the Date field was not looked for */
	int64_t      sent;
};

/* The node becomes a message's: all that it says of itself but its parent. False for THREAD_NONE. */
bool thread_fill(struct threads *t, uint32_t node, uint32_t message, const struct thread_header *header);
void thread_link_references(struct threads *t, const struct matches *found);
void thread_link_subjects(struct threads *t, const struct matches *found); /* ORDEREDSUBJECT */
void thread_merge_subjects(struct threads *t);
/* Puts children behind their parents in the order of their dates, and gives the roots, in order; `by_arrival`: REFS. */
uint32_t *thread_sort(struct threads *t, bool by_arrival, size_t *count);
void thread_write(struct threads *t, const uint32_t *roots, size_t count);

#endif
