#include "trace/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "trace/memory.h"
#include "trace/stamp.h"

#define LINE_MOST  16384 /* lib/base/log writes 4,000 bytes a line; loggers add to it */
#define DEPTH_MOST 4     /* directories beneath a directory */

static bool
failed(const char *path)
{
	fprintf(stderr, "postern-trace: %s: %s\n", path, strerror(errno));
	return false;
}

/* The last line of a file, in `buffer`; empty when it is longer than that. */
static struct slice
last_line(int fd, off_t size, char *buffer, size_t room)
{
	size_t len = size > (off_t)room ? room : (size_t)size;
	if (len == 0 || !file_read_at(fd, buffer, len, size - (off_t)len))
		return slice_of("");
	struct slice tail = slice_make(buffer, buffer[len - 1] == '\n' ? len - 1 : len);
	size_t before = slice_find_last(tail, '\n');
	if (before < tail.len)
		return slice_from(tail, before + 1);
	return size > (off_t)room ? slice_of("") : tail;
}

static int64_t
tai_seconds(int fd, const struct stat *st)
{
	char buffer[8192];
	return stamp_tai_seconds(last_line(fd, st->st_size, buffer, sizeof buffer), (int64_t)st->st_mtime);
}

static bool
keep(struct sources *s, FILE *file, const char *path)
{
	struct stat st;
	if (file == NULL || fflush(file) != 0 || fstat(fileno(file), &st) < 0)
		return failed(path);
	if (s->count == s->room)
		s->files = memory_grow(s->files, &s->room, sizeof *s->files);
	s->files[s->count++] = (struct source){file, tai_seconds(fileno(file), &st)};
	return true;
}

static bool
add_input(struct sources *s)
{
	char buffer[65536];
	FILE *copy = tmpfile();
	if (copy == NULL)
		return failed("a temporary file");
	for (;;) {
		ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n > 0 && fwrite(buffer, 1, (size_t)n, copy) != (size_t)n)) {
			fclose(copy);
			return failed("standard input");
		}
		if (n == 0)
			return keep(s, copy, "standard input");
	}
}

static bool add_entry(struct sources *s, int directory, const char *name, int depth);

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static bool
add_directory(struct sources *s, int fd, const char *path, int depth)
{
	struct dirent **entries = NULL;
	char own[64];
	snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
	int count = depth < DEPTH_MOST ? scandir(own, &entries, visible, alphasort) : 0;
	bool ok = count >= 0 || failed(path);
	for (int i = 0; i < count; i++) {
		ok = add_entry(s, fd, entries[i]->d_name, depth + 1) && ok;
		free(entries[i]);
	}
	free(entries);
	close(fd);
	return ok;
}

/* What is neither a file nor a directory holds no log: it is passed over, and never waited for. */
static bool
add_entry(struct sources *s, int directory, const char *name, int depth)
{
	struct stat st = {.st_mode = 0};
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return failed(name);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return add_directory(s, fd, name, depth);
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		return keep(s, fdopen(fd, "r"), name);
	close(fd);
	return true;
}

bool
sources_add(struct sources *s, const char *path)
{
	return strcmp(path, "-") == 0 ? add_input(s) : add_entry(s, AT_FDCWD, path, 0);
}

/* True when there was a line, false at the end. */
static bool
read_line(FILE *file, char *buffer, struct slice *line)
{
	size_t len = 0;
	int c;
	while ((c = getc_unlocked(file)) != EOF && c != '\n')
		if (len < LINE_MOST)
			buffer[len++] = (char)c;
	*line = slice_make(buffer, len);
	return c != EOF || len > 0;
}

bool
sources_each(struct sources *s, void (*each)(void *context, struct slice line, const struct source *begins), void *context)
{
	static char buffer[LINE_MOST];
	struct slice line;
	bool ok = true;
	for (size_t i = 0; i < s->count; i++) {
		const struct source *begins = &s->files[i];
		rewind(begins->file);
		while (read_line(s->files[i].file, buffer, &line)) {
			each(context, line, begins);
			begins = NULL;
		}
		ok = ok && !ferror(s->files[i].file);
	}
	return ok;
}
