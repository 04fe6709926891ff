/*
 * From the text of users to a cdb. A record's key is a letter for the map and
 * the key in lower case; see users_cdb.c for the other side.
 */
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/users_cdb.h"
#include "authd/users_file.h"
#include "lib/base/file.h"
#include "lib/mail/address.h"

struct compiler {
	struct cdb_make make;
	struct str      key, value;
	struct str     *problem;
	size_t          line;
};

static bool
fail(struct compiler *c, const char *what)
{
	str_clear(c->problem);
	if (c->line > 0)
		str_append_format(c->problem, "line %zu: ", c->line);
	str_append_text(c->problem, what);
	return false;
}

/* Keys are in lower case, as Postfix asks its tables. */
static void
set_key(struct compiler *c, enum map map, struct slice key)
{
	str_clear(&c->key);
	str_append_byte(&c->key, users_map_letter(map));
	address_append_lower(&c->key, key);
}

static bool
put(struct compiler *c, enum map map, struct slice key, struct slice value, bool once)
{
	set_key(c, map, key);
	if (c->key.failed || value.len > MAP_VALUE_MOST)
		return fail(c, "the record is too long");
	int r = cdb_make_put(&c->make, c->key.data, (unsigned)c->key.len, value.data, (unsigned)value.len, CDB_PUT_INSERT);
	if (r < 0)
		return fail(c, strerror(errno));
	return r == 0 || !once || fail(c, "this address was there already in a line above");
}

static bool
put_domain(struct compiler *c, struct slice address)
{
	struct slice local, domain;
	address_split(address, &local, &domain);
	return put(c, MAP_DOMAIN, domain, slice_of("1"), false);
}

static struct slice
default_maildir(struct compiler *c, struct slice address)
{
	struct slice local, domain;
	address_split(address, &local, &domain);
	str_clear(&c->value);
	address_append_lower(&c->value, domain);
	str_append_byte(&c->value, '/');
	address_append_lower(&c->value, local);
	str_append_byte(&c->value, '/');
	return str_slice(&c->value);
}

static bool
put_user(struct compiler *c, const struct users_line *l)
{
	struct slice maildir = l->maildir.len > 0 ? l->maildir : default_maildir(c, l->address);
	if (!put(c, MAP_MAILBOX, l->address, maildir, true) || !put(c, MAP_PASSWORD, l->address, l->hash, true))
		return false;
	if (l->quota.len > 0 && !put(c, MAP_QUOTA, l->address, l->quota, true))
		return false;
	return put_domain(c, l->address);
}

static bool
put_alias(struct compiler *c, const struct users_line *l)
{
	str_clear(&c->value);
	for (struct slice rest = l->targets, t; (t = users_next_field(&rest)).len > 0;) {
		if (c->value.len > 0)
			str_append_byte(&c->value, ',');
		str_append_slice(&c->value, t);
	}
	if (c->value.failed)
		return fail(c, "too many targets");
	return put(c, MAP_ALIAS, l->address, str_slice(&c->value), true) && put_domain(c, l->address);
}

static bool
put_line(struct compiler *c, struct slice line)
{
	struct users_line l = users_line_parse(line);
	switch (l.kind) {
	case USERS_NOTHING:
		return true;
	case USERS_USER:
		return put_user(c, &l);
	case USERS_ALIAS:
		return put_alias(c, &l);
	case USERS_WRONG:
		break;
	}
	return fail(c, l.problem);
}

static bool
put_lines(struct compiler *c, struct slice text)
{
	for (struct slice line; slice_split(&text, '\n', &line);) {
		c->line++;
		if (!put_line(c, line))
			return false;
	}
	c->line = 0;
	const char *mark = USERS_CDB_MARK;
	return cdb_make_add(&c->make, mark, (unsigned)strlen(mark), "1", 1) == 0 || fail(c, strerror(errno));
}

static bool
write_cdb(struct compiler *c, struct slice text, int fd)
{
	if (cdb_make_start(&c->make, fd) != 0)
		return fail(c, strerror(errno));
	bool ok = put_lines(c, text);
	/* Finishing also gives the memory back, so it is done in any case. */
	bool finished = cdb_make_finish(&c->make) == 0;
	return ok && (finished || fail(c, strerror(errno)));
}

static bool
sync_parent(const char *path)
{
	struct slice s = slice_of(path);
	size_t at = slice_find_last(s, '/');
	char *parent = at == s.len ? strdup(".") : at == 0 ? strdup("/") : strndup(path, at);
	int fd = parent != NULL ? open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	free(parent);
	bool ok = fd >= 0 && file_sync_directory(fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
write_file(struct compiler *c, struct slice text, const char *fresh, const char *path, uid_t owner, gid_t group)
{
	int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(c, strerror(errno));
	bool ok = write_cdb(c, text, fd);
	if (ok && owner != (uid_t)-1 && fchown(fd, owner, group) < 0)
		ok = fail(c, strerror(errno));
	if (ok && (fchmod(fd, 0400) < 0 || fsync(fd) < 0))
		ok = fail(c, strerror(errno));
	close(fd);
	if (ok && (rename(fresh, path) < 0 || !sync_parent(path)))
		ok = fail(c, strerror(errno));
	if (!ok)
		unlink(fresh);
	return ok;
}

bool
users_compile(struct slice text, const char *path, uid_t owner, gid_t group, struct str *problem)
{
	struct compiler c = {.key = STR_MOST(MAP_KEY_MOST), .value = STR_MOST(MAP_VALUE_MOST), .problem = problem};
	struct str fresh = STR_MOST(4096);
	bool ok = str_append_format(&fresh, "%s.new", path);
	ok = ok ? write_file(&c, text, str_text(&fresh), path, owner, group) : fail(&c, "the path is too long");
	str_free(&fresh);
	str_free(&c.key);
	str_free(&c.value);
	return ok;
}
