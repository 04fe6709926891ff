/*
 * The classic aliases file, aliases(5): names of this host and where their mail
 * goes.
 *
 *     # comment
 *     postmaster: root
 *     root:       ann@example.org,
 *                 "Bob" <bob@example.com>
 *
 * It is read as it stands, no newaliases needed, and kept in memory. A program
 * (|command), a file (/path) or a list in a file (:include:) as a target is
 * refused with a log line, and the other targets of that name stay: no file
 * makes this suite run a program or write where it says. A file that cannot be
 * understood (a line without a colon ...) is refused as a whole, and the one that
 * was read before stays in use: a name must not become unknown by a slip.
 */
#ifndef AUTHD_LOCAL_ALIASES_H
#define AUTHD_LOCAL_ALIASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/maps.h"
#include "authd/watched_file.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

#define LOCAL_ALIASES_BYTES WATCHED_FILE_BYTES
#define LOCAL_ALIASES_NAMES 100000
#define LOCAL_ALIASES_TOLD  50 /* warnings about one file; the rest is counted */

/* Places in `text` of the table. */
struct local_alias {
	size_t name, name_len;       /* in lower case */
	size_t targets, targets_len; /* commas between; none when none was usable */
	size_t line;
};

struct local_aliases_table {
	struct local_alias *aliases; /* sorted by name, each name once */
	size_t              count, room;
	struct str          text;
};

struct local_aliases {
	struct watched_file        file;
	struct local_aliases_table table;
};

/* `path` "": there is no such file, on purpose. */
void local_aliases_begin(struct local_aliases *a, const char *path);
void local_aliases_refresh(struct local_aliases *a);

/*
 * `name` is a local part as address_text() has it, in any case. The targets are
 * addresses in canonical form, or names without a domain: those are of this host
 * again. They are valid until the next refresh. FACT_LATER: the file was never
 * readable, or none of the name's targets is usable here.
 */
enum fact_state local_aliases_find(const struct local_aliases *a, struct slice name, struct slice *targets);

/* --- the text alone ------------------------------------------------------------------ */

/* Fills an empty table; `path` is for the log. False with "line N: ..." in `problem`. Free it in any case. */
bool local_aliases_parse(struct local_aliases_table *t, const char *path, struct slice text, struct str *problem);
void local_aliases_free(struct local_aliases_table *t);

#endif
