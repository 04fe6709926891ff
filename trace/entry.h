/*
 * A line of a log as lib/base/log writes it: program, level, event, and fields
 * `key=value` or `key="value"`. A value stays as it was written: printable
 * ASCII, `\xHH` for all other bytes.
 *
 * Before the program there may stand what loggers add: a time stamp, a host,
 * and a tag that ends in a colon. Anything else before it, and the line is not
 * ours: other programs' lines may quote what strangers say.
 */
#ifndef TRACE_ENTRY_H
#define TRACE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "trace/stamp.h"

#define ENTRY_NO_TIME  INT64_MIN
#define ENTRY_FIELDS_MOST 64 /* what a line of ours has, and more */

struct entry {
	int64_t      time;    /* nanoseconds since 1970, or ENTRY_NO_TIME */
	struct slice program; /* "smtpd" */
	struct slice level, event;
	struct slice fields;  /* the rest of the line */
};

/* False: not a line of the suite. All slices point into `line`. */
bool entry_parse(struct slice line, const struct stamp_habits *habits, struct entry *e);

/* Takes the next field from `*fields`. False: there is none. */
bool entry_next(struct slice *fields, struct slice *key, struct slice *value);

/* The first field of that name; data NULL: there is none. */
struct slice entry_field(const struct entry *e, const char *key);

/* The id of the message that the line is about (`queue`, and `message` of lmtpd); empty: none. */
struct slice entry_message(const struct entry *e);

#endif
