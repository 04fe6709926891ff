/*
 * Small messages on their way through the journal: they stand in line, are
 * written to it in groups, and each group waits for one fdatasync. While one
 * group is synced the next gathers.
 */
#ifndef QUEUE_JOURNAL_LINE_H
#define QUEUE_JOURNAL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/commit.h"
#include "queue/directory.h"

/* What becomes of a commit: it is durable (0), is not (errno), or has to be synced by itself since there is no journal any more. */
struct journal_ends {
	void (*ended)(struct commit *k, int error);
	void (*by_itself)(struct commit *k);
};

/* Opens the journal and starts its workers. Without a journal that is of use this does nothing. False: trouble, logged. */
bool journal_line_begin(const struct queue_directory *directory, const struct journal_ends *ends);
/* Takes no more, and calls `done` (never within the call) when the files of all that it holds are durable and it is blank, or cannot be. */
void journal_line_end(void (*done)(void));
/* This message can go through the journal. */
bool journal_line_takes(const struct intake_message *m);
/* Puts it in line. */
void journal_line_join(struct commit *k);

#endif
