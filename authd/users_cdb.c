#include "authd/users_cdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define LOOK_EVERY 900 /* ms: a change counts within a second (promise 14) */

char
users_map_letter(enum map map)
{
	static const char letters[MAP_COUNT + 1] = {
	    [MAP_TOLD] = '=',
	    [MAP_DOMAIN] = 'd', [MAP_MAILBOX] = 'm', [MAP_ALIAS] = 'a', [MAP_QUOTA] = 'q',
	    [MAP_PASSWORD] = 'p', [MAP_RELAY_DOMAIN] = 'r', [MAP_TRANSPORT] = 't', [MAP_SENDER] = 's',
	    [MAP_MESSAGE_SIZE] = 'z', [MAP_USED] = 'u', [MAP_DOMAIN_QUOTA] = 'Q', [MAP_DOMAIN_USED] = 'U',
	    [MAP_SENDER_RELAY] = 'h', [MAP_SENDER_BCC] = 'b', [MAP_RECIPIENT_BCC] = 'B',
	};
	return letters[map];
}

static void
complain(struct users_cdb *u, const char *reason)
{
	if (u->complained)
		return;
	u->complained = true;
	log_warning("users-cdb-unreadable", log_text("file", u->path), log_text("reason", reason),
	    log_text("hint", u->open ? "going on with the one that was read before; postern-users compile makes it anew"
	                             : "postern-users add makes it; without SQL every question is answered with later"));
}

static bool
is_ours(struct cdb *c)
{
	return cdb_find(c, USERS_CDB_MARK, sizeof USERS_CDB_MARK - 1) == 1;
}

/* Hashing workers are forked from this process; the users' hashes are not for them. */
static void
keep_from_children(struct cdb *c)
{
	if (c->cdb_mem != NULL)
		madvise((void *)(uintptr_t)c->cdb_mem, c->cdb_fsize, MADV_DONTFORK);
}

static void
take(struct users_cdb *u, int fd, const struct stat *st)
{
	struct cdb fresh = CDB_STATIC_INIT;
	if (cdb_init(&fresh, fd) != 0 || !is_ours(&fresh)) {
		cdb_free(&fresh);
		complain(u, "it is not a cdb of postern-users, or is damaged");
		return;
	}
	keep_from_children(&fresh);
	if (u->open)
		cdb_free(&u->cdb);
	u->cdb = fresh;
	u->open = true;
	u->complained = false;
	log_info("users-cdb-opened", log_text("file", u->path), log_number("bytes", st->st_size));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
users_cdb_refresh(struct users_cdb *u)
{
	int64_t now = clock_ms();
	if (u->looked != 0 && now - u->looked < LOOK_EVERY)
		return;
	u->looked = now;
	struct stat st;
	if (stat(u->path, &st) < 0) {
		if (errno == ENOENT && u->optional && !u->open)
			return;
		complain(u, strerror(errno));
		return;
	}
	if (same_file(&st, &u->seen))
		return;
	int fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		complain(u, strerror(errno));
	else
		take(u, fd, &st);
	u->seen = st;
	/* The map outlives its descriptor. */
	if (fd >= 0)
		close(fd);
}

static enum fact_state
damaged(struct users_cdb *u)
{
	log_error("users-cdb-damaged", log_text("file", u->path), log_text("hint", "postern-users compile makes it anew"));
	return FACT_LATER;
}

enum fact_state
users_cdb_find(struct users_cdb *u, enum map map, struct slice key, struct str *value)
{
	char bytes[MAP_KEY_MOST + 1];
	if (!u->open || key.len > MAP_KEY_MOST)
		return FACT_NONE;
	bytes[0] = users_map_letter(map);
	memcpy(bytes + 1, key.data, key.len);
	int found = cdb_find(&u->cdb, bytes, (unsigned)key.len + 1);
	if (found == 0)
		return FACT_NONE;
	if (found < 0)
		return damaged(u);
	unsigned len = cdb_datalen(&u->cdb);
	const char *data = cdb_get(&u->cdb, len, cdb_datapos(&u->cdb));
	if (data == NULL || !str_set(value, slice_make(data, len)))
		return damaged(u);
	return FACT_FOUND;
}
