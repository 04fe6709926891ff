/*
 * Names of message files:
 *
 *     1700000000.M123456P4242R9f86d081884c7d65.host,S=4711,W=4800:2,FSab
 *     '------------------- base -----------------------------------' '--- info
 *
 * The base never changes in a message's life, the info (flags) does. Names
 * come from a directory that others write into as well: any byte may be in
 * them, and nothing is believed but what parses.
 */
#ifndef STORE_NAME_H
#define STORE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define NAME_MOST 255 /* bytes of a file's name */

/* Flags, in the order of their letters. */
enum message_flag {
	FLAG_DRAFT = 1 << 0,   /* D */
	FLAG_FLAGGED = 1 << 1, /* F */
	FLAG_PASSED = 1 << 2,  /* P: forwarded */
	FLAG_ANSWERED = 1 << 3, /* R */
	FLAG_SEEN = 1 << 4,    /* S */
	FLAG_DELETED = 1 << 5, /* T */
};

#define KEYWORDS_MOST 26 /* letters a to z */

struct name_parts {
	struct slice base;     /* with ,S= and ,W= */
	struct slice info;     /* behind ":2,"; data NULL when there is none */
	uint8_t      flags;    /* enum message_flag */
	uint32_t     keywords; /* bit 0: letter a */
	bool         has_size, has_wire_size;
	uint64_t     size;      /* S=: bytes of the file */
	uint64_t     wire_size; /* W=: bytes with each line ending in CRLF */
	uint64_t     time;      /* seconds that the name begins with, or 0 */
};

/* False for what is no message: empty, begins with '.', longer than NAME_MOST, or with a control byte in it. */
bool name_parse(struct slice name, struct name_parts *parts);

/*
 * Writes `base`:2, and the letters into `into` (NAME_MOST + 1 bytes). Letters
 * of `info` that are neither flags nor keywords are kept. False when it would
 * be too long.
 */
bool name_build(char *into, struct slice base, struct slice info, uint8_t flags, uint32_t keywords);

/* A new unique base without sizes, of a message that is new too. */
void name_unique(char into[NAME_MOST + 1]);
/*
 * What a message's name says of which message it is: the same for copies that
 * we made of it. Of other programs' names a hash, up to the first comma: who
 * corrects a size (Dovecot does) leaves it as it is.
 */
uint64_t name_identity(struct slice name);
/* A new unique base for a copy. */
void name_unique_copy(char into[NAME_MOST + 1], uint64_t identity);
/* Appends ,S= and ,W= to a base of name_unique(). */
void name_add_sizes(char into[NAME_MOST + 1], uint64_t size, uint64_t wire_size);

#endif
