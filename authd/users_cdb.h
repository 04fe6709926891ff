/*
 * The embedded users as authd reads them: a cdb made by postern-users, opened
 * anew when the file was replaced (looked at once a second at most).
 */
#ifndef AUTHD_USERS_CDB_H
#define AUTHD_USERS_CDB_H

#include <cdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "authd/maps.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"

/* A record that every cdb of ours holds: a file without it is not one (or is damaged). */
#define USERS_CDB_MARK "!postern-users"

struct users_cdb {
	const char *path;
	bool        optional; /* there is SQL: a file that is not there is none that is missing */
	bool        open, complained;
	struct cdb  cdb;
	struct stat seen;
	int64_t     looked; /* clock_ms() of the last look at the file */
};

/* The letter that stands for a map in the cdb's keys. */
char users_map_letter(enum map map);

/* Looks whether the file changed and opens it. A file that is missing or broken leaves the one that was open in use, logged. */
void users_cdb_refresh(struct users_cdb *u);
/* FACT_NONE too when no file is open; FACT_LATER when the file is damaged. The key is in lower case. */
enum fact_state users_cdb_find(struct users_cdb *u, enum map map, struct slice key, struct str *value);

#endif
