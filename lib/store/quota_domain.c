#include "lib/store/quota_domain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/directory.h"
#include "lib/store/quota.h"
#include "lib/store/quota_count.h"

#define DOMAINSIZE_NAME "domainsize"

static bool count_beneath(const struct quota_domain *d, int directory, unsigned depth, struct quota_amount *sum);

static bool
is_maildir(int directory)
{
	struct stat st;
	return fstatat(directory, "cur", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* What its maildirsize says, whatever limits stand there. One that cannot be counted (logged) is no reason to count none. */
static void
add_maildir(const struct quota_domain *d, int root, struct quota_amount *sum)
{
	const struct maildir m = {.root = root};
	struct quota q;
	quota_open(&q, &m, (struct quota_amount){0, 0}, d->rules, true);
	if (quota_read(&q))
		quota_sum(sum, q.file.used);
}

/* A Maildir, or a directory with some. What goes while it is counted holds nothing. */
static bool
add_entry(const struct quota_domain *d, int parent, const char *name, unsigned depth, struct quota_amount *sum)
{
	int directory = directory_open(parent, name, false);
	if (directory < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	bool ok = true;
	if (is_maildir(directory))
		add_maildir(d, directory, sum);
	else
		ok = count_beneath(d, directory, depth + 1, sum);
	directory_close(directory);
	return ok;
}

static bool
count_beneath(const struct quota_domain *d, int directory, unsigned depth, struct quota_amount *sum)
{
	struct dirent *entry;
	DIR *list = depth < QUOTA_DOMAIN_DEPTH ? directory_list(directory) : NULL;
	if (list == NULL)
		return depth == QUOTA_DOMAIN_DEPTH;
	bool ok = true;
	while (ok && (errno = 0, entry = readdir(list)) != NULL)
		if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			ok = add_entry(d, directory, entry->d_name, depth, sum);
	int saved = errno;
	closedir(list);
	errno = saved;
	return ok && saved == 0;
}

/* Users are counted one after the other: that one of them grows meanwhile is the next count's. */
static bool
count_domain(void *context, struct quota_amount *used, bool *still)
{
	const struct quota_domain *d = context;
	*used = (struct quota_amount){0, 0};
	*still = true;
	return count_beneath(d, d->directory, 0, used);
}

/* The directory of the domain's level; -1 with errno. */
static int
walk_to(int mail_root, struct slice path, struct slice domain)
{
	struct slice part;
	int at = mail_root;
	while (slice_split(&path, '/', &part)) {
		char level[NAME_MAX + 1];
		if (part.len == 0)
			continue;
		errno = EINVAL;
		if (part.len > NAME_MAX || slice_is(part, ".") || slice_is(part, ".."))
			break;
		memcpy(level, part.data, part.len);
		level[part.len] = '\0';
		int next = directory_open(at, level, false);
		if (at != mail_root)
			directory_close(at);
		at = next;
		if (at < 0 || slice_equal_nocase(part, domain))
			return at;
		errno = ENOENT;
	}
	return at != mail_root ? directory_close(at) : -1;
}

bool
quota_domain_open(struct quota_domain *d, int mail_root, const char *path, struct slice domain, uint64_t most,
    const struct quota_rules *rules)
{
	*d = (struct quota_domain){.rules = rules, .directory = -1};
	d->directory = domain.len > 0 ? walk_to(mail_root, slice_of(path), domain) : -1;
	d->file = (struct quota_file){.directory = d->directory, .name = DOMAINSIZE_NAME, .limits = {.bytes = most},
	    .doubt = QUOTA_DOMAIN_DOUBT, .life = QUOTA_STALE, .foresees = true, .count = count_domain, .context = d};
	return d->directory >= 0;
}

void
quota_domain_close(struct quota_domain *d)
{
	quota_file_leave(&d->file);
	d->directory = directory_close(d->directory);
}
