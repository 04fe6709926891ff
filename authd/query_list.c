#include "authd/query_list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"

static bool
complain(const char *setting, struct slice file, const char *reason, const char *hint)
{
	log_error("query-file-wrong", log_text("setting", setting), log_slice("file", file), log_text("reason", reason),
	    log_text("hint", hint));
	return false;
}

static bool
parse(struct query_lists *l, enum map map, const char *setting, const char *path, struct slice text)
{
	struct str problem = STR_MOST(1024);
	struct query_file *q = &l->files[l->count];
	bool ok = query_file_parse(q, map, path, text, &problem);
	if (ok)
		l->maps[l->count++] = map;
	else
		query_file_free(q);
	if (!ok)
		complain(setting, slice_of(path), str_text(&problem), "a query file has the form of Postfix's mysql_table(5) or of Dovecot's "
		    "dovecot-sql.conf.ext; each placeholder must stand where a value can");
	str_free(&problem);
	return ok;
}

static bool
add_file(struct query_lists *l, enum map map, const char *setting, struct slice name)
{
	if (l->count == QUERY_FILES_MOST)
		return complain(setting, name, "more than 64 query files", "join some of them");
	char *path = strndup(name.data, name.len);
	size_t len;
	char *text = path != NULL ? settings_read_file(path, QUERY_FILE_MOST, &len) : NULL;
	bool ok = text != NULL ? parse(l, map, setting, path, slice_make(text, len))
	                       : complain(setting, name, strerror(errno), "the setting names query files, one a line; postern-authd must be able to read them");
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	free(path);
	return ok;
}

bool
query_lists_add(struct query_lists *l, enum map map, const char *setting, const char *names)
{
	struct slice rest = slice_of(names);
	bool ok = true;
	for (struct slice line; slice_split(&rest, '\n', &line);) {
		struct slice name = slice_trim(line);
		/* Postfix's way to name a table does as well. */
		if (slice_starts(name, "mysql:"))
			name = slice_from(name, 6);
		if (slice_starts(name, "proxy:mysql:"))
			name = slice_from(name, 12);
		if (name.len > 0 && name.data[0] != '#')
			ok = add_file(l, map, setting, name) && ok;
	}
	return ok;
}

bool
query_lists_has(const struct query_lists *l, enum map map)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->maps[i] == map)
			return true;
	return false;
}

bool
query_lists_one_database(const struct query_lists *l, enum map map)
{
	const struct query_access *first = NULL;
	for (size_t i = 0; i < l->count; i++) {
		if (l->maps[i] != map)
			continue;
		if (first != NULL && !query_access_equal(first, &l->files[i].access))
			return false;
		first = &l->files[i].access;
	}
	return true;
}

bool
query_lists_map_uses_client(const struct query_lists *l, enum map map)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->maps[i] == map && query_template_uses_client(&l->files[i].query))
			return true;
	return false;
}

bool
query_lists_use_client(const struct query_lists *l)
{
	for (enum map map = 0; map < MAP_COUNT; map++)
		if (query_lists_map_uses_client(l, map))
			return true;
	return false;
}

static bool
is_name(const struct query_host *h)
{
	unsigned char address[16];
	if (h->name == NULL || inet_pton(AF_INET, h->name, address) == 1 || inet_pton(AF_INET6, h->name, address) == 1)
		return false;
	return h->internet || strcmp(h->name, "localhost") != 0;
}

bool
query_lists_need_names(const struct query_lists *l)
{
	for (size_t i = 0; i < l->count; i++)
		for (size_t j = 0; j < l->files[i].access.host_count; j++)
			if (is_name(&l->files[i].access.hosts[j]))
				return true;
	return false;
}

static size_t
add_path(const char *path, struct sandbox_path *paths, size_t count, size_t most)
{
	if (path[0] == '\0' || count == most || access(path, F_OK) != 0)
		return count;
	for (size_t i = 0; i < count; i++)
		if (strcmp(paths[i].path, path) == 0)
			return count;
	paths[count] = (struct sandbox_path){.path = path};
	return count + 1;
}

size_t
query_lists_paths(const struct query_lists *l, struct sandbox_path *paths, size_t most)
{
	size_t count = l->count > 0 ? add_path("/etc", paths, 0, most) : 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct query_access *a = &l->files[i].access;
		const char *const files[] = {a->option_file, a->tls_key_file, a->tls_cert_file, a->tls_ca_file, a->tls_ca_path};
		for (size_t j = 0; j < sizeof files / sizeof *files; j++)
			count = add_path(files[j], paths, count, most);
	}
	return count;
}

void
query_lists_wipe(void *lists)
{
	struct query_lists *l = lists;
	for (size_t i = 0; i < l->count; i++)
		explicit_bzero(l->files[i].access.password, strlen(l->files[i].access.password));
}
