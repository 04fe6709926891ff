#include "lib/store/guid.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/assign.h"
#include "lib/store/directory.h"
#include "lib/store/uidlist.h"

static bool
may_be_guid(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum((unsigned char)text.data[i]) && text.data[i] != '-' && text.data[i] != '_')
			return false;
	return text.len > 0 && text.len <= GUID_MOST;
}

struct slice
guid_of_fields(struct slice fields)
{
	struct slice field;
	while (slice_split(&fields, ' ', &field))
		if (slice_starts(field, "G") && may_be_guid(slice_from(field, 1)))
			return slice_from(field, 1);
	return slice_make(NULL, 0);
}

/* The list's first line is read, nothing else: it may be long. */
static bool
read_guid(int directory, struct guid *guid)
{
	char header[UIDLIST_HEADER_MOST + 1];
	guid->text[0] = '\0';
	int fd = directory_open_file(directory, UIDLIST_NAME);
	ssize_t n = fd < 0 ? -1 : pread(fd, header, sizeof header, 0);
	directory_close(fd);
	if (n < 0)
		return errno == ENOENT;
	struct slice text = slice_make(header, (size_t)n);
	size_t end = slice_find(text, '\n');
	if (end == text.len || !slice_starts(text, "3 "))
		return true;
	struct slice found = guid_of_fields(slice_first(text, end));
	if (found.len > 0)
		memcpy(guid->text, found.data, found.len);
	guid->text[found.len] = '\0';
	return true;
}

bool
folder_guid(struct folder *f, struct guid *guid)
{
	if (!read_guid(f->directory, guid))
		return false;
	if (guid->text[0] != '\0')
		return true;
	if (!assign_guid(f) || !read_guid(f->directory, guid))
		return false;
	errno = ENOENT;
	return guid->text[0] != '\0';
}

bool
folders_guid(const struct maildir *m, struct slice name, bool create, struct guid *guid)
{
	struct folder f;
	if (!folder_open(&f, m, name, true))
		return false;
	bool ok = read_guid(f.directory, guid);
	if (ok && create && guid->text[0] == '\0')
		ok = folder_refresh(&f) && folder_guid(&f, guid);
	int saved = errno;
	folder_close(&f);
	errno = saved;
	return ok;
}
