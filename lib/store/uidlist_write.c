/* Writing the UID list: whole, or behind what is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/random.h"
#include "lib/store/directory.h"
#include "lib/store/guid.h"
#include "lib/store/settle.h"
#include "lib/store/uidlist.h"

#define TEMPORARY "dovecot-uidlist.tmp"

static void
flush(struct uidlist_writer *w)
{
	if (!w->failed && !file_write_all(w->fd, w->buffer, w->used))
		w->failed = true;
	w->used = 0;
}

static void
put(struct uidlist_writer *w, struct slice part)
{
	while (part.len > 0 && !w->failed) {
		if (w->used == sizeof w->buffer)
			flush(w);
		size_t len = sizeof w->buffer - w->used < part.len ? sizeof w->buffer - w->used : part.len;
		memcpy(w->buffer + w->used, part.data, len);
		w->used += len;
		part = slice_from(part, len);
	}
}

/* With a GUID in any case: one that cannot be one makes place for a new one. */
static void
put_others(struct uidlist_writer *w, struct slice others)
{
	char guid[40];
	struct slice field;
	bool has_guid = guid_of_fields(others).len > 0;
	if (has_guid) {
		put(w, others);
		return;
	}
	snprintf(guid, sizeof guid, "G%016llx%016llx", (unsigned long long)random_number(), (unsigned long long)random_number());
	put(w, slice_of(guid));
	while (slice_split(&others, ' ', &field)) {
		if (field.len == 0 || slice_starts(field, "G"))
			continue;
		put(w, slice_of(" "));
		put(w, field);
	}
}

bool
uidlist_write_begin(struct uidlist_writer *w, int directory, const struct uidlist *head)
{
	*w = (struct uidlist_writer){.directory = directory};
	if (unlinkat(directory, TEMPORARY, 0) < 0 && errno != ENOENT)
		return false;
	w->fd = openat(directory, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return false;
	char line[64];
	snprintf(line, sizeof line, "3 V%u N%u ", (unsigned)head->uidvalidity, (unsigned)head->uidnext);
	put(w, slice_of(line));
	if (head->bound > 0) {
		snprintf(line, sizeof line, "M%llu ", (unsigned long long)head->bound);
		put(w, slice_of(line));
	}
	put_others(w, head->others);
	put(w, slice_of("\n"));
	return true;
}

bool
uidlist_append_begin(struct uidlist_writer *w, int directory, uint64_t end)
{
	struct stat st;
	char last;
	*w = (struct uidlist_writer){.directory = directory, .appends = true};
	w->fd = openat(directory, UIDLIST_NAME, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (w->fd < 0)
		return false;
	if (fstat(w->fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == end && end > 0
	    && file_read_at(w->fd, &last, 1, (off_t)end - 1) && last == '\n')
		return true;
	w->fd = directory_close(w->fd);
	errno = EAGAIN;
	return false;
}

void
uidlist_write_entry(struct uidlist_writer *w, const struct uid_entry *e)
{
	char number[16];
	snprintf(number, sizeof number, "%u ", (unsigned)e->uid);
	put(w, slice_of(number));
	put(w, e->extra);
	put(w, slice_of(e->extra.len > 0 ? " :" : ":"));
	put(w, e->base);
	put(w, slice_of("\n"));
}

/* What was appended stays as far as it came: whole lines are true, and others may have read them already. */
static bool
end_appending(struct uidlist_writer *w)
{
	bool ok = !w->failed && fdatasync(w->fd) == 0;
	w->fd = directory_close(w->fd);
	return ok;
}

int
uidlist_append_end_unsynced(struct uidlist_writer *w)
{
	flush(w);
	if (w->failed)
		w->fd = directory_close(w->fd);
	return w->fd;
}

bool
uidlist_write_end(struct uidlist_writer *w)
{
	flush(w);
	if (w->appends)
		return end_appending(w);
	bool ok = !w->failed && settle_file(w->fd);
	directory_close(w->fd);
	if (ok && renameat(w->directory, TEMPORARY, w->directory, UIDLIST_NAME) == 0)
		return file_sync_directory(w->directory);
	int saved = errno;
	unlinkat(w->directory, TEMPORARY, 0);
	errno = saved;
	return false;
}
