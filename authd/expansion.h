/*
 * Texts with placeholders. In Postfix's mysql_table(5): %s the key, %u its
 * local part, %d its domain, %1 to %9 the domain's labels from the right, %% a
 * percent sign; in a result_format %s %u %d are of the value that was found and
 * the capital letters of the key. A part that the key lacks means: nothing is
 * to be looked up.
 *
 * In Dovecot's dovecot-sql.conf.ext the variables of query_variable.h; there a
 * part that the key lacks is an empty text.
 */
#ifndef AUTHD_EXPANSION_H
#define AUTHD_EXPANSION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

/* What is looked up, and for whom: only Dovecot's queries may name the latter, and they are "" where nobody logs in. */
struct query_key {
	struct slice text;    /* an address, a domain, a login */
	struct slice service; /* "imap" */
	struct slice remote;  /* the client's address: "192.0.2.1" */
};

enum piece_kind {
	PIECE_TEXT,
	PIECE_KEY,
	PIECE_KEY_LOCAL,
	PIECE_KEY_DOMAIN,
	PIECE_KEY_LABEL,
	PIECE_SERVICE,
	PIECE_REMOTE,
	PIECE_VALUE,
	PIECE_VALUE_LOCAL,
	PIECE_VALUE_DOMAIN,
};

/* What Dovecot's modifiers make of a part, in bytes. All zero: nothing. */
struct piece_shape {
	bool lower, upper;
	int  offset; /* where it begins; negative: from the end */
	int  width;  /* how much of it; negative: all but so many at the end; 0: all */
	bool pad;    /* zeros before it up to `width`, and nothing is cut */
};

struct piece {
	enum piece_kind    kind;
	bool               may_lack;   /* an empty part is an empty text */
	bool               pattern;    /* it stands in a pattern of LIKE: its % and _ are no wildcards */
	struct piece_shape shape;
	size_t             label;      /* PIECE_KEY_LABEL: 1 is the last */
	size_t             start, len; /* PIECE_TEXT: in the expansion's text */
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
bool expansion_add(struct expansion *e, const struct piece *piece);
/* The placeholder that a letter or digit stands for in a query of Postfix. False: there is none such. */
bool expansion_key_piece(int letter, struct piece *piece);
/* A whole result_format. NULL, or what is wrong with it. */
const char *expansion_parse_result(struct expansion *e, struct slice format);
void expansion_free(struct expansion *e);
/* Whether the service or the client's address is in it. */
bool expansion_uses_client(const struct expansion *e);
/* Whether the key's local part is (by itself or in the whole key), or its domain alone or a label of that. */
bool expansion_uses_local(const struct expansion *e);
bool expansion_uses_domain(const struct expansion *e);

/*
 * Appends the expansion for a key (and a value, in a result). False when the
 * key or value lacks a part that is named and must not: nothing is to be looked
 * up, or the value is to be skipped; or `into` is full (into->failed).
 */
bool expansion_apply(const struct expansion *e, const struct query_key *key, struct slice value, struct str *into);

#endif
