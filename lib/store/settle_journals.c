/*
 * Which file systems of ext4 have a journal. One without (mkfs -O ^has_journal, which some images of virtual machines are; ext2) tells
 * statfs(2) the same, and orders nothing. The kernel says it in /sys, which a confined program cannot read.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/number.h"
#include "lib/store/settle.h"

#define EXT4_MOUNTS     "/sys/fs/ext4"
#define JOURNALS_MOST   64 /* more file systems than that are synced file by file */

static dev_t  journals[JOURNALS_MOST];
static size_t journal_count;

/* A file of one line. */
static struct slice
read_line(char line[64], const char *directory, const char *device, const char *name)
{
	char path[320];
	int len = snprintf(path, sizeof path, "%s/%s/%s", directory, device, name);
	int fd = len > 0 && (size_t)len < sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, line, 64) : -1;
	if (fd >= 0)
		close(fd);
	struct slice text = slice_make(line, n > 0 ? (size_t)n : 0);
	return slice_first(text, slice_find(text, '\n'));
}

/* The number of the process that writes it; "<none>" where there is none. */
static bool
has_journal(const char *device)
{
	char line[64];
	uint64_t process;
	return number_parse(read_line(line, EXT4_MOUNTS, device, "journal_task"), UINT32_MAX, &process);
}

/* "254:0" */
static bool
find_device(const char *device, dev_t *number)
{
	char line[64];
	struct slice rest = read_line(line, "/sys/class/block", device, "dev"), part;
	uint64_t major_part, minor_part;
	if (!slice_split(&rest, ':', &part) || !number_parse(part, UINT32_MAX, &major_part) || !number_parse(rest, UINT32_MAX, &minor_part))
		return false;
	*number = makedev((unsigned)major_part, (unsigned)minor_part);
	return true;
}

void
settle_prepare(void)
{
	DIR *mounts = opendir(EXT4_MOUNTS);
	const struct dirent *e;
	while (mounts != NULL && journal_count < JOURNALS_MOST && (e = readdir(mounts)) != NULL)
		if (e->d_name[0] != '.' && has_journal(e->d_name) && find_device(e->d_name, &journals[journal_count]))
			journal_count++;
	if (mounts != NULL)
		closedir(mounts);
}

bool
settle_has_journal(dev_t device)
{
	for (size_t i = 0; i < journal_count; i++)
		if (journals[i] == device)
			return true;
	return false;
}
