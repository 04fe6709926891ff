/* A command line of a POP3 client (RFC 1939 section 3, RFC 2449 section 3). */
#ifndef POP3D_COMMAND_H
#define POP3D_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

enum arguments { ARGUMENTS_NONE, ARGUMENTS_ANY };

struct command {
	struct slice name;         /* in any case */
	struct slice argument;     /* all that is behind the first space: a password may hold spaces */
	bool         has_argument; /* it is more than spaces */
};

/* Of a line with or without its end (CRLF, or a bare LF). */
struct command command_of(struct slice line);

/* "12": a message's number, at least 1. */
bool command_message(struct slice text, uint64_t *number);
/* "12 3": of TOP, a message's number and a count of lines. */
bool command_top(struct slice argument, uint64_t *number, uint64_t *lines);

#endif
