#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "queue/ended.h"
#include "queue/file.h"
#include "queue/id.h"
#include "queue/journal.h"

#define NEW_NAME "restored"

struct recovery {
	const struct queue_directory *directory;
	struct ended ended;
	bool         kept; /* of the file that is looked at: its messages' own files are not trusted */
	size_t       restored;
};

/* The message's own file is there, whole, and durable now. */
static bool
stands(const struct recovery *r, uint64_t id)
{
	struct queue_file f;
	int fd = r->kept ? -1 : queue_directory_open_file(r->directory, id, O_RDWR);
	if (fd < 0)
		return false;
	bool whole = queue_file_read(fd, true, &f) == FILE_OK;
	if (whole) {
		whole = f.id == id;
		queue_file_free(&f);
	}
	whole = whole && fdatasync(fd) == 0;
	close(fd);
	return whole;
}

static bool
write_new(int journal, const char *bytes, size_t len)
{
	unlinkat(journal, NEW_NAME, 0);
	int fd = openat(journal, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool ok = file_write_all(fd, bytes, len) && fsync(fd) == 0;
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

/* Its name is durable when the parts have been synced. */
static bool
restore(struct recovery *r, uint64_t id, const char *bytes, size_t len)
{
	char name[ID_LETTERS + 1];
	id_print(id, name);
	const struct queue_directory *d = r->directory;
	if (!write_new(d->journal, bytes, len) || renameat(d->journal, NEW_NAME, d->parts[queue_directory_part(id)], name) < 0)
		return false;
	log_info("restored", log_text("queue", name), log_text("reason", "a crash had torn its file"));
	r->restored++;
	return true;
}

static bool
recover_record(struct recovery *r, int fd, uint64_t key, const struct journal_record *record)
{
	/* Its end was noted, its unlink may have been lost: what is left of the file may be torn, and nobody waits for it. */
	if (ended_has(&r->ended, record->id))
		return queue_directory_remove(r->directory, record->id) || errno == ENOENT;
	if (stands(r, record->id))
		return true;
	char *bytes = journal_read(fd, key, record);
	if (bytes == NULL)
		return errno == EBADMSG;
	bool ok = restore(r, record->id, bytes, record->len);
	free(bytes);
	return ok;
}

static bool
sync_parts(const struct queue_directory *d)
{
	for (int i = 0; i < DIRECTORY_PARTS; i++)
		if (fsync(d->parts[i]) < 0)
			return false;
	return true;
}

static bool
recover_round(struct recovery *r, int fd, uint64_t size, uint64_t key)
{
	off_t at = JOURNAL_BLOCK;
	struct journal_record record;
	int found;
	while ((found = journal_next(fd, size, key, &at, &record)) > 0)
		if (!recover_record(r, fd, key, &record))
			return false;
	return found == 0 && sync_parts(r->directory) && journal_end_round(fd);
}

/* True: nothing in it is needed any more. */
static bool
recover_file(struct recovery *r, int fd)
{
	struct stat st;
	uint64_t key;
	if (fstat(fd, &st) < 0)
		return false;
	enum journal_state state = journal_look(fd, &key);
	r->kept = state == JOURNAL_KEPT;
	return state == JOURNAL_BLANK || (state != JOURNAL_TROUBLE && recover_round(r, fd, (uint64_t)st.st_size, key));
}

static bool
recover(struct recovery *r, unsigned number)
{
	int fd = journal_open(r->directory, number);
	if (fd < 0 && errno == ENOENT)
		return true;
	bool ok = fd >= 0 && recover_file(r, fd);
	if (!ok)
		log_error("journal-not-emptied", log_text("directory", r->directory->path), log_number("file", number), log_errno(),
		    log_text("hint", "it holds mail that may be nowhere else; the next start tries again"));
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A blank file of the right size. */
static void
provide(const struct queue_directory *d, unsigned number, uint64_t size, uint64_t free_space)
{
	struct stat st;
	int fd = journal_open(d, number);
	bool there = fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size == size;
	if (fd >= 0)
		close(fd);
	if (there)
		return;
	if (fd >= 0)
		journal_remove(d, number);
	uint64_t bytes, inodes;
	bool room = queue_directory_room(d, &bytes, &inodes) && bytes > free_space && bytes - free_space > size;
	if (size > 0 && (!room || !journal_make(d, number, size)))
		log_warning("journal-not-made", log_text("directory", d->path),
		    log_text("hint", "there is no room for it (setting journal_size): each message is synced by itself"));
}

void
journal_recover(const struct queue_directory *d, uint64_t size, uint64_t free_space)
{
	struct recovery r = {.directory = d};
	/* Without the notes some of it would be delivered again, which is better than lost. */
	if (!ended_read(d->journal, &r.ended))
		log_error("ended-not-read", log_errno());
	bool blank[JOURNAL_FILES], all = true;
	for (unsigned i = 0; i < JOURNAL_FILES; i++)
		all = (blank[i] = recover(&r, i)) && all;
	ended_free(&r.ended);
	if (all)
		ended_forget(d->journal);
	for (unsigned i = 0; i < JOURNAL_FILES; i++)
		if (blank[i])
			provide(d, i, size, free_space);
	if (r.restored > 0)
		log_info("journal-recovered", log_number("messages", (int64_t)r.restored));
}
