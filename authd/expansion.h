/*
 * Texts with placeholders, as in Postfix's mysql_table(5): %s the key, %u its
 * local part, %d its domain, %1 to %9 the domain's labels from the right, %% a
 * percent sign. In a result_format %s %u %d are of the value that was found and
 * the capital letters of the key.
 */
#ifndef AUTHD_EXPANSION_H
#define AUTHD_EXPANSION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

enum piece_kind {
	PIECE_TEXT,
	PIECE_KEY,
	PIECE_KEY_LOCAL,
	PIECE_KEY_DOMAIN,
	PIECE_KEY_LABEL,
	PIECE_VALUE,
	PIECE_VALUE_LOCAL,
	PIECE_VALUE_DOMAIN,
};

struct piece {
	enum piece_kind kind;
	size_t          label;       /* PIECE_KEY_LABEL: 1 is the last */
	size_t          start, len;  /* PIECE_TEXT: in the expansion's text */
};

struct expansion {
	struct str    text;
	struct piece *pieces;
	size_t        count;
};

#define EXPANSION_MOST 65536
#define EXPANSION_NONE ((struct expansion){.text = STR_MOST(EXPANSION_MOST)})

/* Appends fixed text or a placeholder. False without memory. */
bool expansion_add_text(struct expansion *e, struct slice text);
bool expansion_add(struct expansion *e, enum piece_kind kind, size_t label);
/* The placeholder that a letter or digit stands for in a query. False: there is none such. */
bool expansion_key_piece(int letter, enum piece_kind *kind, size_t *label);
/* A whole result_format. NULL, or what is wrong with it. */
const char *expansion_parse_result(struct expansion *e, struct slice format);
void expansion_free(struct expansion *e);

/*
 * Appends the expansion for a key (and a value, in a result). False when the
 * key or value lacks a part that is named: nothing is to be looked up, or the
 * value is to be skipped; or `into` is full (into->failed).
 */
bool expansion_apply(const struct expansion *e, struct slice key, struct slice value, struct str *into);

#endif
