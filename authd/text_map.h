/*
 * A text file that is a map, in the form of Postfix's tables: a line is a key,
 * white space, and a value; one that begins with white space goes on with the
 * line before; empty lines and those that begin with # count for nothing. It
 * is read as it stands, no postmap needed, and kept in memory.
 */
#ifndef AUTHD_TEXT_MAP_H
#define AUTHD_TEXT_MAP_H

#include "authd/maps.h"
#include "authd/watched_file.h"

#define TEXT_MAP_KEYS 200000

/* Places in `text` of the table. */
struct text_map_line {
	size_t key, key_len; /* in lower case */
	size_t value, value_len;
	size_t number;
};

struct text_map_table {
	struct text_map_line *lines; /* sorted by key, each key once: the first line counts */
	size_t                count, room;
	struct str            text;
};

struct text_map {
	struct watched_file   file;
	struct text_map_table table;
};

/* `setting` names the file; `path` "": there is none. */
void text_map_begin(struct text_map *m, const char *setting, const char *path, bool secret);
void text_map_refresh(struct text_map *m);
/* `key` in lower case. The value is valid until the next refresh. FACT_LATER: the file was never readable. */
enum fact_state text_map_find(const struct text_map *m, struct slice key, struct slice *value);

/* --- the text alone ---------------------------------------------------------------- */

/* Fills an empty table. False with "line N: ..." in `problem`. Free it in any case; a secret one is wiped. */
bool text_map_parse(struct text_map_table *t, struct slice text, struct str *problem);
void text_map_free(struct text_map_table *t);

#endif
