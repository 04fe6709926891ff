/*
 * One command off the wire: the line, and the literals that it announces, put
 * together in memory up to a limit. A literal is refused before it is sent
 * when it would pass the limit (RFC 3501 section 4.3, RFC 7888).
 *
 * A literal that a command wants to stream (the message of APPEND) is left on
 * the wire: the gathering stops behind its announcement.
 */
#ifndef IMAPD_GATHER_H
#define IMAPD_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/base/stream.h"

enum gather_result {
	GATHER_OK,       /* text holds the command without its last line end */
	GATHER_STREAM,   /* text ends in "{N}" or "{N+}"; the literal is not read, nor asked for */
	GATHER_TOO_BIG,  /* a literal was refused; the conversation can go on */
	GATHER_TOO_LONG, /* the line passes the limit, or a literal that comes unasked: it cannot go on */
	GATHER_END,
	GATHER_TIMEOUT,
	GATHER_ERROR,
};

struct literal {
	uint64_t size;
	bool     unasked; /* LITERAL+: the client sends without waiting */
};

struct gather {
	struct input  *in;
	struct output *out;
	struct str     text;         /* its limit bounds the whole command */
	uint64_t       literal_most; /* of one literal held in memory */
	/* Whether the command so far streams the literal that it ends with; may be NULL. And of what follows such a literal. */
	bool (*streams)(struct slice so_far);
	bool (*streams_on)(struct slice so_far);
	struct literal literal;      /* the last one announced */
	bool           streaming;    /* it is on the wire: whoever takes it off says so here */
};

/* Reads the next command into g->text. */
enum gather_result gather_command(struct gather *g);

/* Reads on behind a streamed literal, to the end of the command; g->text is begun anew. */
enum gather_result gather_rest(struct gather *g);

/* Whether a line (without its end) ends in a literal's announcement. */
bool gather_announces(struct slice line, struct literal *literal);

/* Tells the client to send ("+ ..."), unless it does so unasked. */
void gather_invite(struct gather *g);

#endif
