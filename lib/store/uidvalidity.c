#include "lib/store/uidvalidity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/store/directory.h"

#define NAME       "dovecot-uidvalidity"
#define NAME_ROOM  40
#define ATTEMPTS   100 /* races with other sessions of the same user */

/* Eight hexadecimal digits, whole text. */
static bool
parse_hex(const char *text, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		char c = text[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
		*value = *value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return text[8] == '\0';
}

/* The highest of the files; 0 when there is none. False with errno. */
static bool
search(int root, uint32_t *highest)
{
	DIR *d = directory_list(root);
	struct dirent *entry;
	*highest = 0;
	if (d == NULL)
		return false;
	while ((entry = readdir(d)) != NULL) {
		uint32_t value;
		bool ours = strncmp(entry->d_name, NAME ".", sizeof NAME) == 0;
		if (ours && parse_hex(entry->d_name + sizeof NAME, &value) && value > *highest)
			*highest = value;
	}
	closedir(d);
	return true;
}

static uint32_t
choose(uint32_t before, uint32_t least)
{
	int64_t now = clock_unix();
	uint32_t next = before > least ? before : least;
	if (next < UINT32_MAX)
		next++;
	return now > 0 && now < UINT32_MAX && (uint32_t)now > next ? (uint32_t)now : next;
}

/* The one step from a value to the next; false when somebody else was faster (ENOENT, EEXIST). */
static bool
step(int root, uint32_t before, uint32_t next)
{
	char from[NAME_ROOM], to[NAME_ROOM];
	snprintf(to, sizeof to, NAME ".%08x", (unsigned)next);
	if (before == 0) {
		int fd = openat(root, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
		directory_close(fd);
		return fd >= 0;
	}
	snprintf(from, sizeof from, NAME ".%08x", (unsigned)before);
	return renameat(root, from, root, to) == 0;
}

/* Only to save Dovecot a search: it copes with a wrong one. */
static void
write_hint(int root, uint32_t value)
{
	char text[16];
	int fd = directory_open_own(root, NAME, 0);
	if (fd < 0)
		return;
	snprintf(text, sizeof text, "%08x", (unsigned)value);
	file_write_all(fd, text, 8);
	close(fd);
}

uint32_t
uidvalidity_next(int root, uint32_t least)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		uint32_t before, next;
		if (!search(root, &before))
			return 0;
		next = choose(before, least);
		if (step(root, before, next)) {
			write_hint(root, next);
			return file_sync_directory(root) ? next : 0;
		}
		if (errno != ENOENT && errno != EEXIST)
			return 0;
	}
	errno = EAGAIN;
	return 0;
}
