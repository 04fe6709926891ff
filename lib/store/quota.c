#include "lib/store/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/store/directory.h"
#include "lib/store/quota_count.h"

#define MAILDIRSIZE_NAME "maildirsize"
#define WARNED_NAME      "postern-quota-warned" /* the percentage that the user was last warned of */
#define WARNED_MOST      16

/* --- warnings --------------------------------------------------------------------- */

static unsigned
read_warned(int root)
{
	uint64_t percent = 0;
	size_t len = 0;
	char *text = directory_read_file(root, WARNED_NAME, WARNED_MOST, &len);
	if (text != NULL && !number_parse(slice_first(slice_make(text, len), slice_find(slice_make(text, len), '\n')), 1000, &percent))
		percent = 0;
	free(text);
	return (unsigned)percent;
}

/* Made anew, never written into: what is there may bear another name too. */
static void
write_warned(int root, unsigned percent)
{
	char text[WARNED_MOST];
	int len = snprintf(text, sizeof text, "%u\n", percent);
	bool ok = unlinkat(root, WARNED_NAME, 0) == 0 || errno == ENOENT;
	if (ok && percent > 0) {
		int fd = openat(root, WARNED_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		ok = fd >= 0 && file_write_all(fd, text, (size_t)len);
		directory_close(fd);
	}
	if (!ok)
		log_warning("quota-warning-not-noted", log_text("file", WARNED_NAME), log_errno());
}

/*
 * Once on crossing, and again only after it was less. What was less is seen
 * here at the latest: what there was before this message counts, too. Under
 * the file's lock, so that of many at once one warns.
 */
static void
note_level(void *context)
{
	struct quota *q = context;
	unsigned before = quota_rules_level(q->rules, q->file.before, q->file.limits);
	unsigned now = quota_rules_level(q->rules, q->file.used, q->file.limits);
	unsigned noted = read_warned(q->maildir->root);
	unsigned warned = noted < before ? noted : before;
	q->crossed = now > warned ? now : 0;
	if (now != noted)
		write_warned(q->maildir->root, now);
}

/* --- the mailbox -------------------------------------------------------------------- */

static bool
count_mailbox(void *context, struct quota_amount *used, bool *still)
{
	struct quota *q = context;
	return quota_count(q->maildir, q->rules, used, still);
}

void
quota_open(struct quota *q, const struct maildir *m, struct quota_amount limits, const struct quota_rules *rules, bool wanted)
{
	*q = (struct quota){.maildir = m, .rules = rules};
	q->file = (struct quota_file){.directory = m->root, .has_tmp = true, .name = MAILDIRSIZE_NAME, .limits = limits,
	    .wanted = wanted, .doubt = QUOTA_STALE, .count = count_mailbox, .context = q};
}

bool
quota_counts(const struct quota *q)
{
	return q->file.wanted || q->file.limits.bytes > 0 || q->file.limits.messages > 0;
}

/* What the folder and this program may have beyond the limits. */
static struct quota_beyond
beyond(const struct quota *q, struct slice folder)
{
	const struct quota_folder *f = quota_rules_of(q->rules, folder);
	struct quota_beyond b = {.any = false};
	if (q->delivers)
		b.last = quota_part_of(&q->rules->grace, q->file.limits.bytes);
	if (f != NULL)
		b.more = (struct quota_amount){quota_part_of(&f->bytes, q->file.limits.bytes), f->messages};
	return b;
}

enum quota_verdict
quota_check(struct quota *q, struct slice folder, struct quota_amount size)
{
	struct quota_beyond b = beyond(q, folder);
	return quota_rules_count(q->rules, folder) ? quota_file_check(&q->file, size, &b) : QUOTA_FITS;
}

enum quota_verdict
quota_take(struct quota *q, struct slice folder, struct quota_amount size)
{
	struct quota_beyond b = beyond(q, folder);
	q->crossed = 0;
	if (!quota_rules_count(q->rules, folder))
		return QUOTA_FITS;
	bool warns = q->rules->warning_count > 0 && quota_counts(q);
	q->file.taken = warns ? note_level : NULL;
	enum quota_verdict v = quota_file_take(&q->file, size, &b);
	q->file.taken = NULL;
	return v;
}

void
quota_put(struct quota *q, struct slice folder, struct quota_amount size)
{
	const struct quota_beyond anything = {.any = true};
	if (quota_rules_count(q->rules, folder))
		quota_file_take(&q->file, size, &anything);
}

void
quota_begin(struct quota *q)
{
	quota_file_enter(&q->file);
}

void
quota_give(struct quota *q, struct slice folder, struct quota_amount size)
{
	int saved = errno;
	if (quota_rules_count(q->rules, folder) && size.messages > 0)
		quota_file_add(&q->file, -(int64_t)size.bytes, -(int64_t)size.messages);
	errno = saved;
}

void
quota_came(struct quota *q, struct slice folder, struct quota_amount size)
{
	int saved = errno;
	if (quota_rules_count(q->rules, folder) && size.messages > 0)
		quota_file_add(&q->file, (int64_t)size.bytes, (int64_t)size.messages);
	errno = saved;
}

void
quota_done(struct quota *q)
{
	quota_file_leave(&q->file);
}

bool
quota_read(struct quota *q)
{
	return quota_file_read(&q->file);
}

void
quota_forget(struct quota *q)
{
	quota_file_forget(&q->file);
}

struct quota_amount
quota_of_folder(const struct quota *q, struct slice folder)
{
	struct quota_amount sum = {0, 0};
	if (quota_rules_count(q->rules, folder))
		quota_count_folder(q->maildir, folder, &sum);
	return sum;
}

/* --- messages ------------------------------------------------------------------------ */

struct quota_amount
quota_of_name(const struct folder *f, const struct message *m)
{
	uint64_t size;
	int directory = m->in_new ? f->fresh : f->cur;
	bool known = !m->vanished && quota_count_file(directory, m->name, &size);
	return known ? (struct quota_amount){size < INT64_MAX ? size : INT64_MAX, 1} : (struct quota_amount){0, 0};
}

struct quota_amount
quota_of_message(const struct folder *f, const struct message *m)
{
	int directory = m->in_new ? f->fresh : f->cur;
	bool there = !m->vanished && faccessat(directory, m->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return there ? quota_of_name(f, m) : (struct quota_amount){0, 0};
}

void
quota_sum(struct quota_amount *sum, struct quota_amount more)
{
	sum->bytes = more.bytes > INT64_MAX - sum->bytes ? INT64_MAX : sum->bytes + more.bytes;
	sum->messages += more.messages;
}
