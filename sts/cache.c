#include "sts/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/number.h"
#include "lib/base/str.h"

#define HEAD_MOST 256
#define TEMPORARY ".new" /* no domain begins with a dot */

/* The value of the next line, which must have this key. */
static bool
take_line(struct slice *text, const char *key, struct slice *value)
{
	struct slice line;
	if (!slice_split(text, '\n', &line) || !slice_starts(line, key))
		return false;
	*value = slice_trim(slice_from(line, strlen(key)));
	return true;
}

bool
cached_parse(struct slice text, struct cached *c)
{
	struct slice fetched, empty;
	uint64_t time;
	const char *why;
	if (!take_line(&text, "id:", &c->id) || !take_line(&text, "fetched:", &fetched) || !take_line(&text, "", &empty) || empty.len > 0 ||
	    !number_parse(fetched, INT64_MAX, &time) || c->id.len > STS_ID_MOST)
		return false;
	c->fetched = (int64_t)time;
	return sts_policy_parse(text, &c->policy, &why);
}

uint64_t
cached_left(const struct cached *c, int64_t now)
{
	uint64_t age = now > c->fetched ? (uint64_t)(now - c->fetched) : 0;
	return c->policy.max_age > age ? c->policy.max_age - age : 0;
}

bool
cached_is_old(const struct cached *c, int64_t now, uint64_t refresh)
{
	uint64_t half = c->policy.max_age / 2, limit = refresh < half ? refresh : half;
	return now < c->fetched || (uint64_t)(now - c->fetched) >= limit;
}

bool
sts_cache_read(int directory, const char *domain, int64_t now, struct cached *c)
{
	size_t len;
	c->memory = file_read_whole(directory, domain, STS_TEXT_MOST + HEAD_MOST, &len);
	if (c->memory == NULL)
		return false;
	if (cached_parse(slice_make(c->memory, len), c) && cached_left(c, now) > 0)
		return true;
	sts_cache_free(c);
	return false;
}

void
sts_cache_free(struct cached *c)
{
	free(c->memory);
	c->memory = NULL;
}

static bool
write_file(int directory, struct slice text)
{
	int fd = openat(directory, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return false;
	bool ok = file_write_all(fd, text.data, text.len) && fsync(fd) == 0;
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

bool
sts_cache_write(int directory, const char *domain, struct slice id, int64_t now, struct slice policy)
{
	struct str text = STR_MOST(STS_TEXT_MOST + HEAD_MOST);
	str_append_text(&text, "id: ");
	str_append_slice(&text, id);
	str_append_format(&text, "\nfetched: %lld\n\n", (long long)now);
	str_append_slice(&text, policy);
	errno = text.failed ? ENOMEM : 0;
	bool ok = !text.failed && write_file(directory, str_slice(&text)) && renameat(directory, TEMPORARY, directory, domain) == 0 &&
	    file_sync_directory(directory);
	str_free(&text);
	return ok;
}

bool
sts_cache_sweep(int directory, const char *domain, int64_t now)
{
	struct cached c;
	errno = 0;
	if (sts_cache_read(directory, domain, now, &c)) {
		sts_cache_free(&c);
		return false;
	}
	return errno != EMFILE && errno != ENOMEM && unlinkat(directory, domain, 0) == 0;
}

uint64_t
sts_cache_count(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	uint64_t count = 0;
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}
