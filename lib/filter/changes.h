/* What a milter may do to a message at its end: one packet's meaning, and several kept until the filter's verdict is there. */
#ifndef FILTER_CHANGES_H
#define FILTER_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

enum change_kind {
	CHANGE_ADD_FIELD,    /* name, value: behind the last field */
	CHANGE_INSERT_FIELD, /* before the index'th field; 0 and 1: see fields.h */
	CHANGE_FIELD,        /* the index'th of that name (1: the first) gets this value; empty: it is deleted */
	CHANGE_SENDER,       /* address, parameters */
	CHANGE_ADD_RECIPIENT,
	CHANGE_DROP_RECIPIENT,
	CHANGE_QUARANTINE,   /* value: why */
	CHANGE_BODY,         /* value: the next bytes of a new body */
};

struct change {
	enum change_kind kind;
	uint32_t         index;
	struct slice     name, value;
	struct slice     address, parameters; /* as the filter wrote them: with angle brackets or without */
};

/* The bits of enum milter_may of which one must have been agreed on for a packet with this byte; 0: it is no change. */
uint32_t change_needs(char kind);
/* False: it is not well-formed. Names are names of fields, texts hold no NUL. */
bool change_parse(struct change *c, char kind, struct slice data);

/* Appends to `kept` (as long as its limit lets). False: no room. */
bool change_keep(struct str *kept, char kind, struct slice data);
/* Takes the next one from the front of what was kept. False: no more. */
bool change_next(struct slice *kept, struct change *c);

#endif
