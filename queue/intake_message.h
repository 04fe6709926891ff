/* A message that is being taken in: its envelope, its file, its end. One at a time for each connection of the intake. */
#ifndef QUEUE_INTAKE_MESSAGE_H
#define QUEUE_INTAKE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/ipc/packet.h"
#include "queue/directory.h"
#include "queue/room.h"

struct intake_message {
	const struct queue_directory *directory;
	uint64_t       id;
	int            fd;          /* -1: no file yet */
	bool           written;     /* the header stands in the file, data is what comes behind it */
	bool           small;       /* completed, and header and data hold all of it still */
	struct str     header;
	struct str     data;        /* received and not yet written */
	uint64_t       size;        /* bytes of the message so far */
	uint64_t       size_most;
	uint64_t       size_said;   /* key size=, 0: unknown */
	uint32_t       sum;
	size_t         recipients;
	struct outcome trouble;     /* not done: the message will not be committed */
	char           sender[320]; /* for the log, cut */
	char           client[64];
};

/* `m` is zeroed, or was used before and ended. */
void intake_message_begin(struct intake_message *m, const struct queue_directory *directory, uint64_t id, uint64_t size_most);
/* The fields of the packets `mail` and `rcpt` behind the tag. False: malformed. */
bool intake_message_take_sender(struct intake_message *m, struct packet *p, bool from_smtpd);
bool intake_message_take_recipient(struct intake_message *m, struct packet *p);
/* Adds a key of `mail` that the intake itself knows. */
void intake_message_add_key(struct intake_message *m, const char *key, uint64_t value);
/* Makes the file if there is room: step open. The outcome says what to answer. */
struct outcome intake_message_open(struct intake_message *m, struct room *room);
/* Takes bytes of the message. Trouble is kept and told at the end. */
void intake_message_data(struct intake_message *m, struct slice bytes);
/* Writes all that is left and the mark: of a large one as of one that is offered. */
struct outcome intake_message_complete(struct intake_message *m);
/* What is completed is from now on to be believed after a crash; its sync is to come. False with errno, logged. */
bool intake_message_commit(struct intake_message *m);
/* Completed, and all of the file is still in memory: header, then data. */
bool intake_message_is_small(const struct intake_message *m);
/* Removes the file, if there is one, and forgets everything. */
void intake_message_abort(struct intake_message *m);
/* Forgets everything but the file; the buffers stay for the next intake_message_begin(). */
void intake_message_end(struct intake_message *m);
/* Gives the buffers back. */
void intake_message_free(struct intake_message *m);

/* errno of a write or a sync as an outcome. */
struct outcome intake_message_disk_trouble(int error);

#endif
