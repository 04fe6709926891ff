/*
 * Notes of messages that have ended, QUEUE/journal/ended: one id a line. The journal may still hold such a message, and at the next
 * start a missing file means either that a crash has lost it or that the message has ended: the notes tell these apart.
 * They are not synced. A note that a power cut loses costs a repeated delivery, never a message, for an id is noted only
 * after its end.
 */
#ifndef QUEUE_ENDED_H
#define QUEUE_ENDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDED_KEPT (1u << 20) /* bytes of notes, and as many of older ones: far more messages than a journal holds */

struct ended {
	uint64_t *ids; /* sorted */
	size_t    count;
};

/* From now on this process notes what ends; `journal` is the directory. False, logged. */
bool ended_begin(int journal);
/* Notes an id, if this process has begun. What cannot be noted is logged. */
void ended_note(uint64_t id);

/* What any process has noted is on the disk. False with errno. */
bool ended_sync(int journal);

/* Reads all notes. False with errno; nothing is to be freed then. */
bool ended_read(int journal, struct ended *e);
bool ended_has(const struct ended *e, uint64_t id);
void ended_free(struct ended *e);
/* Forgets them all: the journal is blank. */
void ended_forget(int journal);

#endif
