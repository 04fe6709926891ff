#include "lib/store/duplicates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/cursor.h"
#include "lib/base/file.h"
#include "lib/base/siphash.h"
#include "lib/base/str.h"
#include "lib/store/directory.h"

#define FILE_NAME  "postern-duplicates"
#define TEMPORARY  "postern-duplicates.tmp"
#define LINE       28 /* bytes of one; more seconds than ten digits come in the year 2286 */
#define HASH       16 /* digits */
#define BYTES_MOST ((size_t)LINE * DUPLICATES_MOST)

uint64_t
duplicates_mark(struct slice message_id, struct slice folder)
{
	/* No secret: who knows a Message-ID could send that one. */
	static const struct siphash_key key = {0, 0};
	struct str text = STR_MOST(65536);
	uint64_t mark = 0;
	if (str_append_slice(&text, folder) && str_append_byte(&text, '\n') && str_append_slice(&text, message_id))
		mark = siphash(&key, str_slice(&text));
	str_free(&text);
	return mark != 0 ? mark : 1;
}

static bool
is_hash(struct slice digits, uint64_t mark)
{
	char wanted[HASH + 1];
	snprintf(wanted, sizeof wanted, "%016llx", (unsigned long long)mark);
	return slice_is(digits, wanted);
}

bool
duplicates_in(struct slice text, uint64_t mark, int64_t since)
{
	struct slice line;
	while (slice_split(&text, '\n', &line)) {
		struct cursor c = cursor_over(line);
		uint64_t second;
		if (cursor_take_number(&c, INT64_MAX, &second) && (int64_t)second >= since && cursor_take(&c, ' ') && is_hash(c.rest, mark))
			return true;
	}
	return false;
}

bool
duplicates_known(const struct maildir *m, uint64_t mark, uint64_t window)
{
	size_t len;
	char *text = directory_read_file(m->root, FILE_NAME, 2 * BYTES_MOST, &len);
	if (text == NULL)
		return false;
	bool known = duplicates_in(slice_make(text, len), mark, clock_unix() - (int64_t)window);
	free(text);
	return known;
}

/* The newer half replaces all. What others add meanwhile is lost: a second copy, once. */
static bool
shorten(const struct maildir *m)
{
	size_t len;
	char *text = directory_read_file(m->root, FILE_NAME, 2 * BYTES_MOST, &len);
	struct slice newer = slice_from(slice_make(text, text != NULL ? len : 0), text != NULL ? len / 2 : 0);
	newer = slice_from(newer, slice_find(newer, '\n') + 1);
	bool ok = directory_replace(m->root, TEMPORARY, FILE_NAME, newer.data, newer.len);
	free(text);
	return ok;
}

bool
duplicates_add(const struct maildir *m, uint64_t mark)
{
	char line[64];
	struct stat st;
	int fd = directory_open_own(m->root, FILE_NAME, O_APPEND);
	if (fd < 0)
		return false;
	int n = snprintf(line, sizeof line, "%010lld %016llx\n", (long long)clock_unix(), (unsigned long long)mark);
	bool ok = fstat(fd, &st) == 0 && file_write_all(fd, line, (size_t)n);
	directory_close(fd);
	return ok && ((size_t)st.st_size < BYTES_MOST || shorten(m));
}
