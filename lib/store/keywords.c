/*
 * `dovecot-keywords`: one line a keyword, its number and its name; number 0 is
 * the letter a in a message's name. Numbers are never given twice.
 */
#include "lib/store/keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/str.h"
#include "lib/store/directory.h"
#include "lib/store/dotlock.h"
#include "lib/store/scan.h"
#include "lib/store/uidlist.h"

#define FILE_NAME    "dovecot-keywords"
#define LOCK_NAME    "dovecot-keywords.lock"
#define TEMPORARY    "dovecot-keywords.tmp"
#define FILE_MOST    65536
#define KEYWORD_MOST 128
#define LOCK_TIMEOUT 10000 /* ms */

/* An atom of RFC 3501, which may begin with '$'. */
static bool
keyword_ok(struct slice keyword)
{
	for (size_t i = 0; i < keyword.len; i++) {
		unsigned char byte = (unsigned char)keyword.data[i];
		if (byte <= ' ' || byte >= 0x7f || strchr("(){%*\"\\]", byte) != NULL)
			return false;
	}
	return keyword.len > 0 && keyword.len <= KEYWORD_MOST;
}

/* "3 $Junk" */
static bool
set_keyword(struct folder *f, struct slice line)
{
	struct cursor c = cursor_over(line);
	uint64_t number;
	bool ours = cursor_take_number(&c, KEYWORDS_MOST - 1, &number) && cursor_take(&c, ' ') && keyword_ok(c.rest);
	if (!ours || (f->keywords[number] != NULL && slice_is(c.rest, f->keywords[number])))
		return true;
	char *name = strndup(c.rest.data, c.rest.len);
	if (name == NULL)
		return false;
	free(f->keywords[number]);
	f->keywords[number] = name;
	return true;
}

static bool
read_keywords(struct folder *f)
{
	size_t len;
	char *text = directory_read_file(f->directory, FILE_NAME, FILE_MOST, &len);
	/* Noise is as good as none: letters without a name are not shown. */
	if (text == NULL)
		return errno == ENOENT || errno == ELOOP || errno == EINVAL || errno == EFBIG;
	struct slice rest = slice_make(text, len), line;
	bool ok = true;
	while (ok && slice_split(&rest, '\n', &line))
		ok = set_keyword(f, line);
	free(text);
	return ok;
}

bool
keywords_load(struct folder *f)
{
	struct stat st;
	if (fstatat(f->directory, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	struct timespec *last = &f->scan->keywords_time;
	if (st.st_mtim.tv_sec == last->tv_sec && st.st_mtim.tv_nsec == last->tv_nsec)
		return true;
	*last = st.st_mtim;
	return read_keywords(f);
}

static int
find(const struct folder *f, struct slice keyword)
{
	for (int i = 0; i < KEYWORDS_MOST; i++)
		if (f->keywords[i] != NULL && slice_is_nocase(keyword, f->keywords[i]))
			return i;
	return -1;
}

/*
 * Dovecot takes the file for unchanged while its time in whole seconds is the
 * same, so each writer makes that later than it was. It looks under the list's
 * lock only, which we hold.
 */
static void
make_later(const struct folder *f, const struct stat *before)
{
	struct stat st;
	if (fstatat(f->directory, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtim.tv_sec > before->st_mtim.tv_sec)
		return;
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = before->st_mtim.tv_sec + 1}};
	utimensat(f->directory, FILE_NAME, times, AT_SYMLINK_NOFOLLOW);
}

static bool
write_keywords(const struct folder *f)
{
	struct stat before;
	bool there = fstatat(f->directory, FILE_NAME, &before, AT_SYMLINK_NOFOLLOW) == 0;
	struct str text = STR_MOST(FILE_MOST);
	for (int i = 0; i < KEYWORDS_MOST; i++)
		if (f->keywords[i] != NULL)
			str_append_format(&text, "%d %s\n", i, f->keywords[i]);
	errno = ENOMEM;
	bool ok = !text.failed && directory_replace(f->directory, TEMPORARY, FILE_NAME, text.data, text.len);
	str_free(&text);
	if (ok && there)
		make_later(f, &before);
	return ok;
}

/* Letters in names of messages may stand for keywords of a lost file: a letter in use is not given again. */
static int
free_letter(const struct folder *f)
{
	uint32_t used = 0;
	for (size_t i = 0; i < f->count; i++)
		used |= f->messages[i].keywords;
	for (int i = 0; i < KEYWORDS_MOST; i++)
		if (f->keywords[i] == NULL && !(used & 1u << i))
			return i;
	errno = ENOSPC;
	return -1;
}

int
keywords_letter(struct folder *f, struct slice keyword)
{
	int at = find(f, keyword);
	if (at >= 0 || !keyword_ok(keyword))
		return at;
	at = free_letter(f);
	if (at >= 0)
		f->keywords[at] = strndup(keyword.data, keyword.len);
	return at >= 0 && f->keywords[at] != NULL ? at : -1;
}

bool
keywords_exist(const struct folder *f)
{
	return faccessat(f->directory, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
keywords_write(struct folder *f)
{
	struct dotlock lock;
	if (!dotlock_take(&lock, f->directory, LOCK_NAME, LOCK_TIMEOUT))
		return false;
	bool ok = write_keywords(f);
	dotlock_release(&lock);
	return ok;
}

static int
add(struct folder *f, struct slice keyword)
{
	if (!read_keywords(f))
		return -1;
	int at = find(f, keyword);
	if (at >= 0)
		return at;
	at = keywords_letter(f, keyword);
	if (at < 0)
		return -1;
	if (write_keywords(f))
		return at;
	free(f->keywords[at]);
	f->keywords[at] = NULL;
	return -1;
}

/*
 * Dovecot renames messages first and writes their keywords' letters into the
 * file then, all under the lock of its list: that one is taken too.
 */
static int
add_alone(struct folder *f, struct slice keyword)
{
	struct dotlock list = {.fd = -1}, lock;
	bool held = f->scan != NULL && f->scan->list_locks > 0;
	int at = -1;
	if (!held && !dotlock_take(&list, f->directory, UIDLIST_LOCK, LOCK_TIMEOUT))
		return -1;
	if (dotlock_take(&lock, f->directory, LOCK_NAME, LOCK_TIMEOUT)) {
		at = add(f, keyword);
		dotlock_release(&lock);
	}
	dotlock_release(&list);
	return at;
}

int
folder_keyword(struct folder *f, struct slice keyword, bool create)
{
	if (!keyword_ok(keyword)) {
		errno = EINVAL;
		return -1;
	}
	int at = find(f, keyword);
	/* A folder that was only opened (the target of a copy) has not read them yet. */
	if (at < 0 && f->uidvalidity == 0 && read_keywords(f))
		at = find(f, keyword);
	if (at >= 0 || !create) {
		errno = ENOENT;
		return at;
	}
	return add_alone(f, keyword);
}
