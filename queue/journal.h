/*
 * The journal of the intake: two files of fixed size, made ahead, to which small
 * messages are written beside their own files. One fdatasync(2) of a journal
 * file makes a whole group of messages durable, whatever became of their files
 * and names; STATES.md shows the format and says why this is sound.
 *
 * A journal file is of use in rounds. A round begins with a head that bears a
 * random key; each record bears the same key, so that what an earlier round has
 * left, or what a message says, is never taken for a record. A round ends when
 * all files that it speaks of are durable themselves: the head is blanked then.
 */
#ifndef QUEUE_JOURNAL_H
#define QUEUE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/slice.h"
#include "queue/directory.h"

#define JOURNAL_FILES    2
#define JOURNAL_BLOCK    4096 /* the head is one; a record begins with one: no durable byte is written over within a round */
#define JOURNAL_LINE_LEN 56   /* of a record's line, its LF counted */
#define JOURNAL_RECORD_MOST (256u << 10) /* of a queue file that may go there */

/* --- one file (journal.c) --------------------------------------------------------- */

enum journal_state {
	JOURNAL_BLANK,  /* nothing in it is needed */
	JOURNAL_USED,   /* a round */
	JOURNAL_KEPT,   /* a round whose messages could not all be made durable in their own files: these are not to be trusted */
	JOURNAL_TROUBLE /* could not be read; errno */
};

/* Opens a file for reading and writing; -1 with errno. */
int journal_open(const struct queue_directory *d, unsigned number);
/* Makes it, `size` bytes of zeros, its name durable too. False with errno; then there is none. */
bool journal_make(const struct queue_directory *d, unsigned number, uint64_t size);
void journal_remove(const struct queue_directory *d, unsigned number);
/* What stands in its head; `key` is set but for a blank one. */
enum journal_state journal_look(int fd, uint64_t *key);
/* Begins a round; durable with its first group. False with errno, as all below. */
bool journal_begin_round(int fd, uint64_t key);
/* What emptying it has failed for is remembered for the next start. */
bool journal_keep(int fd, uint64_t key);
/* Blanks the head, durably. */
bool journal_end_round(int fd);

/* The bytes that a record of a queue file in two parts takes. */
uint64_t journal_room(struct slice header, struct slice message);
/* Writes a record at `at`, a multiple of JOURNAL_BLOCK. */
bool journal_write(int fd, off_t at, uint64_t key, uint64_t id, struct slice header, struct slice message);

struct journal_record {
	uint64_t id;
	off_t    at; /* of the queue file's bytes */
	size_t   len;
	uint32_t sum;
};

/*
 * Finds the next record of this round in a file of `size` bytes at or behind `*at` (JOURNAL_BLOCK at first), and moves `*at`
 * behind it. 1, 0: there is none, -1 with errno. Blocks that are no record of the round are passed over.
 */
int journal_next(int fd, uint64_t size, uint64_t key, off_t *at, struct journal_record *r);
/* Reads its bytes; malloc'ed. NULL: they do not agree with the sum (errno EBADMSG: it was never answered), or trouble. */
char *journal_read(int fd, uint64_t key, const struct journal_record *r);

/* --- at start (journal_recover.c) -------------------------------------------------- */

/*
 * Makes good what a crash has torn: each message of the journal whose file is not whole, and that has not ended, gets its file
 * anew. Then blanks the journal, and makes its files when they are absent or not `size` bytes long (0: no journal). To be called
 * under the lock, before anything else reads the queue. A file of which this could not be done stays as it is, and is logged.
 */
void journal_recover(const struct queue_directory *d, uint64_t size, uint64_t free_space);

#endif
