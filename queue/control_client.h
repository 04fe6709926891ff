/* The tools' side of queue/show and queue/control. */
#ifndef QUEUE_CONTROL_CLIENT_H
#define QUEUE_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/packet.h"
#include "queue/control_protocol.h"
#include "queue/id.h"

/* One recipient of a message in the queue; texts are valid until the next call. */
struct queue_entry {
	const char *id, *sender, *recipient, *state, *text;
	const char *original; /* what the sender wrote, where an alias gave the recipient; else "" */
	uint64_t    size, arrival, tries, next_try;
	bool        active;   /* the message is at work */
};

struct control {
	const char   *program; /* for what is said on standard error */
	int           show, order;
	struct packet p; /* of what is read */
	struct packet q; /* of orders, which may be given while a list is read */
	uint64_t     *active;  /* ids at work when it was asked, in order */
	size_t        active_count;
};

enum control_result {
	CONTROL_OK,
	CONTROL_REFUSED, /* only root may, and queue_admins; said on standard error */
	CONTROL_NONE,    /* there is no such message */
	CONTROL_LOST,    /* the queue cannot be reached, was lost, or has trouble; said on standard error */
};

/* EXIT_DONE, or the exit code of what went wrong. */
int control_exit_code(enum control_result r);

/* Connects; CONTROL_LOST or CONTROL_OK. */
enum control_result control_open(struct control *c, const char *program);
void                control_close(struct control *c);

/* For one recipient; false ends the list early, which is CONTROL_OK. */
typedef bool control_each(void *context, const struct queue_entry *e);

/* Every recipient of every message, oldest message first. */
enum control_result control_list(struct control *c, control_each *each, void *context);
/* The recipients of one message. */
enum control_result control_message(struct control *c, const char *id, control_each *each, void *context);

/*
 * A message's file and what stands in it. `c->p` is left at the fields "key=value"
 * of the client, to be read with packet_field(). `fd` is the caller's to close.
 */
struct shown_message {
	uint64_t    header_size, size, arrival, tries, next_try;
	const char *sender, *state;
	int         fd;
};
enum control_result control_show(struct control *c, const char *id, struct shown_message *m);

/* What is asked of the manager: a verb, the reason of "fail" (NULL: none), and ids. */
struct control_order {
	const char *verb;
	const char *code, *text;
	char        ids[CONTROL_IDS_MOST][ID_LETTERS + 1];
	size_t      count;
	/* The answer. */
	uint64_t    done;
	char        busy[CONTROL_IDS_MOST][ID_LETTERS + 1]; /* of ids: at work, so not done */
	size_t      busy_count;
};

enum control_result control_order(struct control *c, struct control_order *o);
/* What was done to these messages outlives a power cut; with none: all that was done. */
enum control_result control_sync(struct control *c, char (*ids)[ID_LETTERS + 1], size_t count);

#endif
