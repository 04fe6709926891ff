#include "queue/ended.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "queue/id.h"

#define NAME  "ended"
#define OLDER "ended.older"
#define LINE  (ID_LETTERS + 1)

static struct {
	int    journal;
	int    fd; /* -1: not begun */
	size_t size;
} notes = {.fd = -1};

static bool
open_notes(void)
{
	notes.fd = openat(notes.journal, NAME, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	if (notes.fd < 0 || fstat(notes.fd, &st) < 0)
		return false;
	notes.size = (size_t)st.st_size;
	return true;
}

/* A file that is not there has nothing to sync. */
static bool
sync_file(int journal, const char *name)
{
	int fd = openat(journal, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	bool ok = fsync(fd) == 0;
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

bool
ended_sync(int journal)
{
	return sync_file(journal, NAME) && sync_file(journal, OLDER) && fsync(journal) == 0;
}

bool
ended_begin(int journal)
{
	notes.journal = journal;
	if (open_notes())
		return true;
	log_error("ended-not-opened", log_errno());
	return false;
}

static bool
change_files(void)
{
	close(notes.fd);
	notes.fd = -1;
	return renameat(notes.journal, NAME, notes.journal, OLDER) == 0 && open_notes();
}

void
ended_note(uint64_t id)
{
	char line[LINE + 1];
	if (notes.fd < 0)
		return;
	id_print(id, line);
	line[ID_LETTERS] = '\n';
	bool ok = notes.size < ENDED_KEPT || change_files();
	if (ok && file_write_all(notes.fd, line, LINE)) {
		notes.size += LINE;
		return;
	}
	/* It ended all the same. When the queue is killed within seconds the message may be delivered again. */
	line[ID_LETTERS] = '\0';
	log_warning("ended-not-noted", log_text("queue", line), log_errno());
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* A line that is torn names nobody. */
static bool
add_from(int journal, const char *name, struct ended *e)
{
	size_t len;
	char *text = file_read_whole(journal, name, ENDED_KEPT + 4096, &len);
	if (text == NULL)
		return errno == ENOENT;
	uint64_t *ids = reallocarray(e->ids, e->count + len / LINE + 1, sizeof *ids);
	if (ids != NULL) {
		e->ids = ids;
		struct slice rest = slice_make(text, len), line;
		while (slice_split(&rest, '\n', &line))
			e->count += id_parse(line, &ids[e->count]) ? 1 : 0;
	}
	free(text);
	return ids != NULL;
}

bool
ended_read(int journal, struct ended *e)
{
	*e = (struct ended){0};
	if (!add_from(journal, OLDER, e) || !add_from(journal, NAME, e)) {
		ended_free(e);
		return false;
	}
	if (e->count > 0)
		qsort(e->ids, e->count, sizeof *e->ids, compare);
	return true;
}

bool
ended_has(const struct ended *e, uint64_t id)
{
	return e->count > 0 && bsearch(&id, e->ids, e->count, sizeof *e->ids, compare) != NULL;
}

void
ended_free(struct ended *e)
{
	free(e->ids);
	*e = (struct ended){0};
}

void
ended_forget(int journal)
{
	unlinkat(journal, OLDER, 0);
	unlinkat(journal, NAME, 0);
}
