#include "lib/store/quota_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/store/directory.h"
#include "lib/store/quota_reading.h"

#define ATTEMPTS 3

static const struct quota_amount nothing = {0, 0};
static const struct quota_beyond anything = {.any = true};

/* --- being entered ------------------------------------------------------------------ */

static struct quota_file *entered; /* all of this process */

static void
lock_shared(struct quota_file *f)
{
	if (!f->locked && !f->hindered)
		f->locked = quota_lock(f->directory, LOCK_SH);
	f->hindered = !f->locked;
}

static void
unlock(struct quota_file *f)
{
	if (f->locked)
		flock(f->directory, LOCK_UN);
	f->locked = false;
}

void
quota_file_enter(struct quota_file *f)
{
	struct stat st;
	if (f->entered)
		return;
	lock_shared(f);
	f->pending = nothing;
	f->device = 0;
	f->inode = 0;
	if (fstat(f->directory, &st) == 0) {
		f->device = st.st_dev;
		f->inode = st.st_ino;
	}
	f->entered = true;
	f->next = entered;
	entered = f;
}

void
quota_file_leave(struct quota_file *f)
{
	int saved = errno;
	struct quota_file **at = &entered;
	while (*at != NULL && *at != f)
		at = &(*at)->next;
	if (*at == f)
		*at = f->next;
	f->entered = f->hindered = false;
	unlock(f);
	errno = saved;
}

/* Of one directory; `f` is entered. */
static bool
is_beside(const struct quota_file *f, const struct quota_file *other)
{
	return f->inode == other->inode && f->device == other->device;
}

/* Their locks would be in the way of our own. */
static void
unlock_all(struct quota_file *f)
{
	for (struct quota_file *other = entered; other != NULL; other = other->next)
		if (is_beside(f, other))
			unlock(other);
}

static void
lock_all(struct quota_file *f)
{
	/* Ours first: from exclusive to shared, so that nobody else comes in between. */
	if (f->locked)
		f->locked = flock(f->directory, LOCK_SH | LOCK_NB) == 0;
	for (struct quota_file *other = entered; other != NULL; other = other->next)
		if (is_beside(f, other))
			lock_shared(other);
}

/* --- amounts ---------------------------------------------------------------------- */

static int64_t
signed_of(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static uint64_t
changed(uint64_t number, int64_t by)
{
	if (by < 0)
		return number > (uint64_t)-by ? number - (uint64_t)-by : 0;
	return number > INT64_MAX - (uint64_t)by ? INT64_MAX : number + (uint64_t)by;
}

/* --- counting --------------------------------------------------------------------- */

/* What this process has taken and not placed yet: nobody sees it on the disk. */
static void
add_pending(struct quota_file *f)
{
	for (const struct quota_file *other = entered; other != NULL; other = other->next) {
		if (!is_beside(f, other))
			continue;
		f->used.bytes = changed(f->used.bytes, signed_of(other->pending.bytes));
		f->used.messages = changed(f->used.messages, signed_of(other->pending.messages));
	}
}

/* False: it cannot be counted. `held`: the file itself, locked, so that nobody changes it meanwhile; -1: none. */
static bool
count_with(struct quota_file *f, int held)
{
	bool still;
	if (!f->count(f->context, &f->used, &still)) {
		log_warning("quota-not-counted", log_text("file", f->name), log_errno());
		return f->known = false;
	}
	if (!f->foresees)
		add_pending(f);
	f->before = f->used;
	f->known = f->follows = true;
	f->kept = still && quota_keep(f, held);
	if (!still && unlinkat(f->directory, f->name, 0) < 0 && errno != ENOENT)
		log_warning("quota-not-kept", log_text("file", f->name), log_errno());
	return true;
}

/* A Maildir's file is replaced, as Maildir++ has it. A domain's stays: sessions hold it open (quota_held.h). */
static bool
count(struct quota_file *f)
{
	struct stat st;
	int held = f->has_tmp ? -1 : quota_open_locked(f, &st);
	bool ok = count_with(f, held);
	directory_close(held);
	return ok;
}

/* Counts, unless somebody else was first. It is entered then. */
static bool
recount(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b)
{
	struct reading r;
	quota_file_enter(f);
	unlock_all(f);
	f->locked = !f->hindered && quota_lock(f->directory, LOCK_EX);
	f->kept = true;
	bool ok = quota_reading_begin(f, size, b, &r);
	if (ok)
		close(r.fd);
	else
		ok = count(f);
	lock_all(f);
	return ok;
}

/* Without a limit only a file that is there is kept up, so that it is right when a limit comes. */
static bool
is_idle(const struct quota_file *f)
{
	struct stat st;
	return !quota_has_limit(&f->limits) && !f->wanted && fstatat(f->directory, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0;
}

/* --- changing --------------------------------------------------------------------- */

static void
append(struct quota_file *f, int fd, int64_t bytes, int64_t messages)
{
	char line[QUOTA_LINE];
	int len = snprintf(line, sizeof line, "%lld %lld\n", (long long)bytes, (long long)messages);
	f->used.bytes = changed(f->used.bytes, bytes);
	f->used.messages = changed(f->used.messages, messages);
	f->pending.bytes = changed(f->pending.bytes, bytes);
	f->pending.messages = changed(f->pending.messages, messages);
	if ((bytes == 0 && messages == 0) || file_write_all(fd, line, (size_t)len))
		return;
	log_warning("quota-not-kept", log_text("file", f->name), log_errno());
	unlinkat(f->directory, f->name, 0);
}

enum quota_verdict
quota_file_take(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b)
{
	struct reading r;
	bool counted = true, fits = true;
	quota_file_enter(f);
	for (int i = 0; i < ATTEMPTS && counted; i++) {
		if (quota_reading_begin(f, size, b, &r)) {
			fits = !quota_exceeds(f, size, b);
			if (fits)
				append(f, r.fd, signed_of(size.bytes), signed_of(size.messages));
			if (fits && f->taken != NULL)
				f->taken(f->context);
			close(r.fd);
			break;
		}
		if (is_idle(f))
			break;
		counted = recount(f, size, b);
		fits = !f->known || !quota_exceeds(f, size, b);
		/* Others change the folders meanwhile, or something is in the file's place: what was just counted counts. */
		if (!f->kept)
			break;
	}
	if (!fits)
		quota_file_leave(f);
	return fits ? QUOTA_FITS : QUOTA_OVER;
}

enum quota_verdict
quota_file_check(struct quota_file *f, struct quota_amount size, const struct quota_beyond *b)
{
	struct reading r;
	bool was_entered = f->entered;
	f->known = false;
	if (quota_reading_begin(f, size, b, &r))
		close(r.fd);
	else if (!is_idle(f))
		recount(f, size, b);
	if (!was_entered)
		quota_file_leave(f);
	return f->known && quota_exceeds(f, size, b) ? QUOTA_OVER : QUOTA_FITS;
}

/* It is done on the disk already, so that a count has it. */
static void
add_by_counting(struct quota_file *f, int64_t bytes, int64_t messages)
{
	bool was_entered = f->entered;
	f->pending.bytes = changed(f->pending.bytes, bytes < 0 ? bytes : 0);
	f->pending.messages = changed(f->pending.messages, messages < 0 ? messages : 0);
	if (!is_idle(f))
		recount(f, nothing, &anything);
	if (!was_entered)
		quota_file_leave(f);
}

void
quota_file_add(struct quota_file *f, int64_t bytes, int64_t messages)
{
	struct reading r;
	if (!quota_reading_begin(f, nothing, &anything, &r)) {
		add_by_counting(f, bytes, messages);
		return;
	}
	append(f, r.fd, bytes, messages);
	close(r.fd);
}

bool
quota_file_read(struct quota_file *f)
{
	quota_file_check(f, nothing, &anything);
	return f->known;
}

void
quota_file_forget(struct quota_file *f)
{
	if (unlinkat(f->directory, f->name, 0) < 0 && errno != ENOENT)
		log_warning("quota-not-kept", log_text("file", f->name), log_errno());
}
