#include "lib/store/quota_held.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/store/quota_reading.h"

void
quota_held_open(struct quota_held *h, struct quota_domain *d)
{
	struct stat st;
	*h = (struct quota_held){.open = false};
	quota_file_read(&d->file);
	h->fd = quota_open_locked(&d->file, &st);
	h->open = h->fd >= 0;
	if (h->open)
		flock(h->fd, LOCK_UN);
	else
		log_warning("domain-quota-unknown", log_text("file", d->file.name), log_errno(),
		    log_text("hint", "this session does not look at the domain's quota"));
}

/* A name less: it was replaced, and what it says is of yesterday. */
static bool
is_there(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_nlink == 1;
}

enum quota_verdict
quota_held_enter(struct quota_held *h, const struct quota_amount *asked)
{
	h->locked = h->open && quota_lock(h->fd, LOCK_EX);
	if (!h->locked)
		return QUOTA_FITS;
	if (!is_there(h->fd) || !quota_read_text(h->fd, QUOTA_TEXT_MOST, &h->text)) {
		quota_held_leave(h, 0, 0);
		return QUOTA_FITS;
	}
	const struct quota_beyond nothing = {.any = asked == NULL};
	const struct quota_file seen = {.limits = h->text.limits, .used = h->text.used};
	if (asked == NULL || !quota_exceeds(&seen, *asked, &nothing))
		return QUOTA_FITS;
	quota_held_leave(h, 0, 0);
	return QUOTA_OVER;
}

static uint64_t
changed(uint64_t number, int64_t by)
{
	if (by < 0)
		return number > (uint64_t)-by ? number - (uint64_t)-by : 0;
	return number + (uint64_t)by;
}

/* A file without room for a line has one line from now on. */
static bool
write_change(struct quota_held *h, int64_t bytes, int64_t messages)
{
	char line[QUOTA_LINE];
	struct maildirsize *m = &h->text;
	off_t size = lseek(h->fd, 0, SEEK_END);
	if (size >= 0 && size < MAILDIRSIZE_MOST - QUOTA_LINE) {
		int len = snprintf(line, sizeof line, "%lld %lld\n", (long long)bytes, (long long)messages);
		return file_write_all(h->fd, line, (size_t)len);
	}
	m->used = (struct quota_amount){changed(m->used.bytes, bytes), changed(m->used.messages, messages)};
	return quota_write_text(h->fd, m->limits, m->used, m->counted);
}

void
quota_held_leave(struct quota_held *h, int64_t bytes, int64_t messages)
{
	int saved = errno;
	if (!h->locked)
		return;
	if ((bytes != 0 || messages != 0) && !write_change(h, bytes, messages)) {
		log_warning("quota-not-kept", log_text("file", "of the domain"), log_errno());
		/* Half a line is no line: it is counted anew. */
		if (ftruncate(h->fd, 0) < 0)
			log_warning("quota-not-kept", log_text("file", "of the domain"), log_errno());
	}
	flock(h->fd, LOCK_UN);
	h->locked = false;
	errno = saved;
}

bool
quota_held_read(struct quota_held *h, struct quota_amount *limits, struct quota_amount *used)
{
	quota_held_enter(h, NULL);
	if (!h->locked)
		return false;
	*limits = h->text.limits;
	*used = h->text.used;
	quota_held_leave(h, 0, 0);
	return true;
}
