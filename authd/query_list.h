/* For each map the administrator's query files, in the order in which they are asked. */
#ifndef AUTHD_QUERY_LIST_H
#define AUTHD_QUERY_LIST_H

#include "authd/maps.h"
#include "authd/query_file.h"
#include "lib/sandbox/sandbox.h"

#define QUERY_FILES_MOST 64 /* all maps together */
#define QUERY_PATHS_MOST (QUERY_FILES_MOST * 5 + 1)

struct query_lists {
	size_t            count;
	struct query_file files[QUERY_FILES_MOST];
	enum map          maps[QUERY_FILES_MOST]; /* which map each belongs to */
};

/* Reads the files that a setting names, one a line. False, logged with file and line. */
bool query_lists_add(struct query_lists *l, enum map map, const char *setting, const char *names);
/* Whether the map has a file at all. */
bool query_lists_has(const struct query_lists *l, enum map map);
/* Whether all files of the map are asked of the same database, in the same way. */
bool query_lists_one_database(const struct query_lists *l, enum map map);
/* Whether a query's answer hangs on who asks (Dovecot's %s or %r), of one map, and of any. */
bool query_lists_map_uses_client(const struct query_lists *l, enum map map);
bool query_lists_use_client(const struct query_lists *l);
/* Whether a host must be looked up by name. */
bool query_lists_need_names(const struct query_lists *l);
/* What a worker must read when it connects: option files, certificates, /etc for names. Only what exists. */
size_t query_lists_paths(const struct query_lists *l, struct sandbox_path *paths, size_t most);
/* Wipes the passwords: for a process that has no business with them. */
void query_lists_wipe(void *lists);

#endif
