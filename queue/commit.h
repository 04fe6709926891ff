/*
 * The end of a message in the intake: its file is completed, waits in line for a
 * sync worker or goes through the journal, and is durable or gone when its answer is given. A commit lives
 * on when its connection ends, because the message may already be on the disk.
 */
#ifndef QUEUE_COMMIT_H
#define QUEUE_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/loop.h"
#include "queue/directory.h"
#include "queue/intake_message.h"
#include "queue/settings.h"

#define COMMIT_TAG_MOST 32

struct commit {
	struct commit        *next; /* in the line for a worker, or of those that are offered */
	void                 *from; /* the conversation; NULL: gone */
	struct intake_message message;
	char                  tag[COMMIT_TAG_MOST];
	int64_t               uid; /* of the submitter, who may be gone; -1: smtpd */
	bool                  offered;  /* the manager has it already: offer.h */
	struct timer          patience; /* with the offer */
};

/* Told of each message's end; message.trouble is the answer. The commit is released when it returns. */
typedef void commit_answer(struct commit *k);

/* Starts the sync workers: once, after loop_begin(), before the confinement. False: trouble, logged. */
bool commit_begin(struct queue_directory *directory, const struct queue_settings *settings, commit_answer *answer);

/* For one message, with the buffers of an earlier one. NULL: no memory. */
struct commit *commit_take(void);
/* The message has been ended or aborted. */
void commit_release(struct commit *k);

/* Completes the message and has it synced, or delivered at once. When that cannot be, the answer is given within the call. */
void commit_message(struct commit *k);

#endif
