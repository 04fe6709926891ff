#include "authd/users_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/settings.h"

static bool
fail(struct users_edit *e)
{
	e->problem = strerror(errno);
	return false;
}

static int
open_parent(const char *path)
{
	char copy[4096];
	snprintf(copy, sizeof copy, "%s", path);
	char *slash = strrchr(copy, '/');
	*(slash == copy ? slash + 1 : slash) = '\0';
	return open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool
read_text(struct users_edit *e)
{
	size_t len;
	char *text = file_read_whole(AT_FDCWD, e->path, USERS_FILE_MOST, &len);
	if (text == NULL)
		return errno == ENOENT || fail(e);
	bool ok = str_set(&e->text, slice_make(text, len));
	free(text);
	if (ok && e->text.len > 0 && !slice_ends(str_slice(&e->text), "\n"))
		ok = str_append_byte(&e->text, '\n');
	errno = ENOMEM;
	return ok || fail(e);
}

bool
users_edit_open(struct users_edit *e, const char *name, bool lock)
{
	*e = (struct users_edit){.directory = -1, .text = STR_MOST(USERS_FILE_MOST)};
	int len = name[0] == '/' ? snprintf(e->path, sizeof e->path, "%s", name)
	                         : snprintf(e->path, sizeof e->path, "%s/%s", settings_directory(), name);
	errno = ENAMETOOLONG;
	if (len < 0 || (size_t)len >= sizeof e->path)
		return fail(e);
	e->directory = open_parent(e->path);
	if (e->directory < 0 || (lock && flock(e->directory, LOCK_EX) < 0))
		return fail(e);
	return read_text(e);
}

bool
users_edit_find(struct users_edit *e, enum users_kind kind, struct slice address)
{
	struct slice text = str_slice(&e->text);
	for (struct slice line; slice_split(&text, '\n', &line);) {
		e->found = users_line_parse(line);
		e->found_at = (size_t)(line.data - e->text.data);
		e->found_len = line.len + 1;
		if (e->found.kind == kind && slice_equal_nocase(e->found.address, address))
			return true;
	}
	return false;
}

static bool
append_line(struct str *text, const struct slice *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_append_byte(text, ' ');
		str_append_slice(text, fields[i]);
	}
	return count == 0 || str_append_byte(text, '\n');
}

void
users_edit_append(struct users_edit *e, const struct slice *fields, size_t count)
{
	append_line(&e->text, fields, count);
}

void
users_edit_replace(struct users_edit *e, const struct slice *fields, size_t count)
{
	struct str fresh = STR_MOST(USERS_FILE_MOST);
	struct slice old = str_slice(&e->text);
	str_append_slice(&fresh, slice_first(old, e->found_at));
	append_line(&fresh, fields, count);
	str_append_slice(&fresh, slice_from(old, e->found_at + e->found_len));
	str_free(&e->text);
	e->text = fresh;
}

static bool
write_fresh(struct users_edit *e, const char *fresh)
{
	struct stat old;
	bool existed = stat(e->path, &old) == 0;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	bool ok = file_write_all(fd, str_text(&e->text), e->text.len);
	if (ok && existed)
		ok = fchmod(fd, old.st_mode & 0777) == 0 && (geteuid() != 0 || fchown(fd, old.st_uid, old.st_gid) == 0);
	ok = ok && fsync(fd) == 0;
	close(fd);
	return ok;
}

bool
users_edit_save(struct users_edit *e)
{
	char fresh[sizeof e->path + 8];
	snprintf(fresh, sizeof fresh, "%s.new", e->path);
	errno = ENOMEM;
	if (e->text.failed)
		return fail(e);
	if (!write_fresh(e, fresh) || rename(fresh, e->path) < 0) {
		fail(e);
		unlink(fresh);
		return false;
	}
	return file_sync_directory(e->directory) || fail(e);
}

void
users_edit_close(struct users_edit *e)
{
	if (e->directory >= 0)
		close(e->directory);
	if (e->text.data != NULL)
		explicit_bzero(e->text.data, e->text.room);
	str_free(&e->text);
}
