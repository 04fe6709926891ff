/*
 * The embedded users: a text file that a person can read and edit,
 *
 *     user  alice@example.org  $y$j9T$...  example.org/alice/  1G
 *     alias sales@example.org  alice@example.org bob@example.com
 *     # comment
 *
 * one record a line, fields separated by spaces or tabs. Maildir (relative to
 * the mail root) and quota (bytes with K, M, G, then perhaps a comma and a
 * number of messages) may be "-": domain/user/, and none. An alias
 * "@example.org" catches what no user and no other alias of the domain takes.
 */
#ifndef AUTHD_USERS_FILE_H
#define AUTHD_USERS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

#define USERS_FILE_MOST (256u << 20)

enum users_kind { USERS_NOTHING, USERS_USER, USERS_ALIAS, USERS_WRONG };

struct users_line {
	enum users_kind kind;
	struct slice    address;
	struct slice    hash, maildir, quota; /* of a user; empty maildir or quota: not given */
	struct slice    targets;              /* of an alias: the rest of the line */
	const char     *problem;              /* USERS_WRONG: what is wrong */
};

struct users_line users_line_parse(struct slice line);
/* "local@domain" without white space, quotes or commas, or "@domain" where that is allowed. */
bool users_address_ok(struct slice address, bool catch_all);
/* The next field up to white space; empty at the end. */
struct slice users_next_field(struct slice *rest);

/*
 * Compiles the text into a cdb at `path` (written beside it, synced, renamed;
 * readable by its owner alone, who becomes `owner` unless that is -1). False
 * with the reason in `problem`, the old cdb untouched.
 */
bool users_compile(struct slice text, const char *path, uid_t owner, gid_t group, struct str *problem);

#endif
