/*
 * An outcome is an error (or success) as a value: its class, the enhanced
 * status code of RFC 3463 and a text. It is made where the trouble arises, so
 * that the reply, the bounce and the log line agree.
 */
#ifndef BASE_OUTCOME_H
#define BASE_OUTCOME_H

#include <stdbool.h>

enum outcome_class {
	OUTCOME_DONE,      /* 2.x.x */
	OUTCOME_TEMPORARY, /* 4.x.x: may heal, try again */
	OUTCOME_PERMANENT, /* 5.x.x */
};

struct outcome {
	enum outcome_class class;
	bool relayed;   /* done by a next host that does not speak DSN (RFC 3461): a report of success is ours to write */
	char code[12];  /* "4.3.0" */
	char text[512]; /* one line of printable ASCII, cut if longer */
};

/* `code` must begin with 2, 4 or 5: the class follows from it. Bytes outside printable ASCII become '?'. */
__attribute__((format(printf, 2, 3))) struct outcome outcome_make(const char *code, const char *format, ...);
struct outcome outcome_done(void);
bool outcome_is_done(const struct outcome *o);
/* "done", "relayed", "deferred", "failed": the words that packets use. */
const char *outcome_word(const struct outcome *o);

#endif
