/*
 * Which lines belong to the story. What is asked for names some messages and
 * sessions; lines about them name others: the session that brought a message,
 * the bounce that was made of one, the message that a bounce is about. The
 * logs are read until nothing new is named.
 */
#ifndef TRACE_FOLLOW_H
#define TRACE_FOLLOW_H

#include <stdbool.h>

#include "trace/entry.h"
#include "trace/ids.h"

#define MESSAGES_MOST 1000 /* more are not followed: the question was too wide */

struct follow {
	struct ids   messages;
	struct ids   sessions; /* their own lines are told */
	struct ids   asked;    /* sessions that were asked for: their messages are followed too */
	struct slice address;  /* asked for; empty: none */
	bool         grown;    /* something was named that was not known */
	bool         too_many;
};

/* An address, or the id of a message or a session. False: it is neither. */
bool follow_begin(struct follow *f, const char *wanted);
/* True when the line belongs to the story, as far as is known. */
bool follow_entry(struct follow *f, const struct entry *e);

#endif
