/*
 * The header of a message as a list of fields that filters change (RFC 5322
 * section 2.2). Each field keeps the text that it came with until it is changed;
 * lines that are no fields stay where they are and are not shown to filters.
 */
#ifndef FILTER_FIELDS_H
#define FILTER_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define FIELDS_BYTES (512u << 10) /* of all fields, with what filters add */
#define FIELDS_MOST  10000

struct field {
	size_t at, len;   /* in `text`: the whole field with its CRLF */
	size_t name_len;  /* 0: no field, not shown */
	size_t value_at, value_len; /* behind the colon, without the last line end */
};

struct fields {
	struct str text;
	struct str list;  /* of struct field */
	size_t     top;   /* fields before this one stand before our own trace line */
};

#define FIELDS_NONE                                                                                      \
	((struct fields){.text = {.limit = FIELDS_BYTES}, .list = {.limit = FIELDS_MOST * sizeof(struct field)}})

/* Reads a header, without the empty line behind it. False: it is over a bound. */
bool fields_read(struct fields *f, struct slice header);

size_t fields_count(const struct fields *f);
/* The n'th of all lines and fields, from 0: its whole text, and, if it is a field, name and value. */
struct slice fields_text(const struct fields *f, size_t n);
bool fields_get(const struct fields *f, size_t n, struct slice *name, struct slice *value);

/*
 * The changes that a milter may ask for; LF in a value is a line end, behind
 * which a fold begins even if the filter has forgotten it. `leading`: the value
 * says itself what stands behind the colon; else a space is put there. False: a bound.
 *
 * fields_insert: 0 before everything (our trace line too), N > 0 before the
 * N'th field that filters see, or behind the last one.
 * fields_change: the index'th of that name (0 counts as 1); an empty value
 * deletes it; one that is not there is added.
 */
bool fields_add(struct fields *f, struct slice name, struct slice value, bool leading);
bool fields_insert(struct fields *f, uint32_t index, struct slice name, struct slice value, bool leading);
bool fields_change(struct fields *f, uint32_t index, struct slice name, struct slice value, bool leading);

#endif
