/*
 * The queue file: one message with its envelope, as STATES.md shows it.
 * Building one (the intake), reading one back without trusting it, and the
 * changes in place (the manager).
 */
#ifndef QUEUE_FILE_H
#define QUEUE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "queue/id.h"

#define FILE_HEADER_MOST     (24u << 20)
#define FILE_BLOCK_MOST      (24u << 20)
#define FILE_RECIPIENTS_MOST 50000
#define FILE_TEXT_WIDTH      320 /* of a recipient's reply text: what other hosts explain at length is for the sender */
#define FILE_CODE_WIDTH      9   /* "5.123.456" */
#define FILE_MARK_LEN        56  /* the first line with its LF */
/* In the mark: 1, or 0 as long as nobody was answered (offer.h): the sums are those of a mark with 1. One byte, so that no crash leaves a mixture. */
#define FILE_WORD_AT  14
#define FILE_OFFERED  '0'
#define FILE_ANSWERED '1'

/* Who asks whether one has ended uses the questions below: several letters mean the same. */
enum recipient_status {
	RECIPIENT_PENDING = '-',
	RECIPIENT_WARNED = 'W',    /* pending, and the sender was told of the delay */
	RECIPIENT_DIVIDED = 'E',   /* pending for itself; it was an alias, and the sender was told that it is expanded */
	RECIPIENT_DELIVERED = 'D',
	RECIPIENT_SUCCEEDED = 'S', /* delivered, and the sender is to be told */
	RECIPIENT_RELAYED = 'R',   /* given to a host that tells nobody (no DSN), and the sender is to be told */
	RECIPIENT_FAILED = 'F',    /* the sender does not know yet */
	RECIPIENT_RETURNED = 'B',  /* failed, and the bounce is committed, or the sender wanted none */
};

#define NO_PARENT UINT32_MAX

struct file_recipient {
	struct slice          address;
	struct slice          keys;   /* "orcpt=... notify=..." as written, for the keys that came with it */
	enum recipient_status status;
	struct slice          code, text; /* of the last attempt; empty when there was none */
	char                 *fields; /* these as they stand in the file */
	off_t                 at;     /* where they stand there */
	uint32_t              parent; /* the alias that gave it, or NO_PARENT */
	bool                  final;  /* not to be expanded again */
	bool                  expanded; /* an alias: its block stands in its place */
	uint32_t              targets;  /* recipients in that block */
};

struct queue_file {
	uint64_t     id;
	uint64_t     arrival;      /* microseconds since 1970 */
	struct slice sender;       /* empty: the null sender */
	struct slice with;         /* the lines "with key=value" */
	size_t       header_size;  /* where the message begins */
	uint64_t     message_size;
	unsigned     tries;
	uint64_t     next;         /* seconds since 1970; 0: now */
	bool         held;         /* not to be tried until it is released */
	bool         told;         /* held, and the log and the postmaster know of it */
	bool         released;     /* it was held before: `tries` counts from the release */
	bool         offered;      /* whole, but not to be believed after a crash: it was not answered */
	bool         copied;       /* a block "bcc" is there */
	off_t        end;          /* behind the last whole block: the next one goes here */
	size_t       count;
	struct file_recipient *recipients;
	/* Its own: the texts that the slices point into. */
	size_t room;
	char  *header;
	char **blocks;
	size_t block_count;
};

/* --- building (file_build.c) ---------------------------------------------- */

/* Begins a header with a blank mark. The string's limit should be FILE_HEADER_MOST. */
void queue_file_build_begin(struct str *header, uint64_t id, struct slice sender);
/* One key=value of the packet `mail`. */
void queue_file_build_with(struct str *header, struct slice key_and_value);
/* One recipient; keys follow by queue_file_build_key(), then queue_file_build_recipient_end(). */
void queue_file_build_recipient(struct str *header, struct slice address);
void queue_file_build_key(struct str *header, struct slice key_and_value);
void queue_file_build_recipient_end(struct str *header);
/* The empty line. Look at header->failed after it. */
void queue_file_build_end(struct str *header);
/* The first line of a committed file; `header` is the whole header as built. */
void queue_file_build_mark(char mark[FILE_MARK_LEN], struct slice header, uint64_t message_size, uint32_t message_sum);

/* --- reading (queue_file_read.c) -------------------------------------------------- */

enum file_result {
	FILE_OK,
	FILE_UNCOMMITTED, /* the mark is missing or blank, or says FILE_OFFERED and does not agree: it was never answered */
	FILE_DAMAGED,     /* a mark is there and does not agree */
	FILE_TROUBLE,     /* could not be read, or no memory; errno. Says nothing about the file */
};

/* Reads header and blocks; with `verify` also the sum of the message. On FILE_OK the file is to be freed. */
enum file_result queue_file_read(int fd, bool verify, struct queue_file *f);
void             queue_file_free(struct queue_file *f);
/* How much of a file of that size is not the message: what reading it takes. False: it has no mark. */
bool             queue_file_envelope_size(int fd, uint64_t file_size, uint64_t *size);
/* The value of a key of `mail`, still escaped (see queue_file_unescape()); false when it is absent. */
bool queue_file_with(const struct queue_file *f, const char *key, struct slice *value);
/* The same as a text, unescaped, cut to what fits; "" when it is absent. */
void queue_file_with_text(const struct queue_file *f, const char *key, char *text, size_t room);
/* The same as the first for a key of a recipient. */
bool queue_file_recipient_key(const struct file_recipient *r, const char *key, struct slice *value);
/* The first ancestor: what the sender wrote. */
const struct file_recipient *queue_file_original(const struct queue_file *f, const struct file_recipient *r);
/* Neither replaced by a block nor ended. */
bool queue_file_is_pending(const struct file_recipient *r);
/* It has its message (or its next host has), whoever knows of that. */
bool queue_file_is_delivered(const struct file_recipient *r);

/* --- changing in place (file_change.c): false with errno --------------------- */

/* The mark of an offered file says from now on that it is to be believed. */
bool queue_file_commit(int fd);
/* What became of an attempt. Pending stays what it was of the pending ones: who was warned is not warned again. */
bool queue_file_mark(int fd, struct file_recipient *r, enum recipient_status status, const struct outcome *o);
/* The status alone. */
bool queue_file_mark_status(int fd, struct file_recipient *r, enum recipient_status status);

bool queue_file_retry(int fd, struct queue_file *f, unsigned tries, uint64_t next);
/* Holds the message, and everybody was told; and lets it go, to be tried at once. Nothing of it needs to have been read. */
bool queue_file_hold(int fd);
bool queue_file_release(int fd);

struct file_target {
	struct slice address;
	bool         final;
	bool         anew; /* what the sender wrote, once more: it has no ancestors (expand.h) */
};

/* Replaces recipient `parent` by the targets (there may be none: then it only ends). */
bool queue_file_expand(int fd, struct queue_file *f, uint32_t parent, const struct file_target *targets, size_t count);

/* Adds recipients that the sender did not name, of whose failure nobody is to hear. Once in a file. */
bool queue_file_copy(int fd, struct queue_file *f, const struct slice *addresses, size_t count);

/* --- shared by these files ---------------------------------------------------- */

void     queue_file_escape(struct str *into, struct slice field);
/* In place; false when an escape is wrong. */
bool     queue_file_unescape(char *field, size_t *len);
/* The sum of header lines, without the fields that change in place. */
uint32_t queue_file_sum_lines(uint32_t before, struct slice lines);
/* Sets code and text from fields. */
void     queue_file_read_fields(struct file_recipient *r);
/* Reads "rcpt" lines at `lines`, which stand at `offset` in the file, into f->recipients. */
bool     queue_file_parse_recipients(struct queue_file *f, char *lines, size_t len, off_t offset, uint32_t parent);

#define FILE_FIELDS_AT    5 /* "rcpt " */
#define FILE_FIELDS_WIDTH (1 + 1 + FILE_CODE_WIDTH + 1 + FILE_TEXT_WIDTH)
#define FILE_TRIES_FORMAT "tries %04u %s %010llu\n"
#define FILE_TRIES_LEN    27
#define FILE_TURN_AT      11 /* of the word in that line */
/* The word: four letters each, so that the width stays. */
#define FILE_TURN_NEXT "next"
#define FILE_TURN_HELD "held"
#define FILE_TURN_FREE "free" /* as "next", and released: the only word that frees a message that came with hold= */

#endif
