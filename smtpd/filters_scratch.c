/* The scratch file: read, write and seek are all that the confinement leaves, and all that is needed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "smtpd/filters_state.h"

static struct outcome
no_scratch(void)
{
	return outcome_make("4.3.2", "The queue is not available now");
}

struct outcome
filters_scratch_begin(struct session *s)
{
	struct scratch *k = &s->filters->scratch;
	struct envelope *e = &s->envelope;
	int fd;
	neighbour_begin(&s->services.queue, &s->packet, "scratch");
	const char *status = neighbour_ask_descriptor(&s->services.queue, &s->packet, session_queue_patience(s), &fd);
	const char *id = status != NULL ? packet_field(&s->packet) : NULL;
	const char *text = id != NULL ? packet_field(&s->packet) : NULL;
	if (fd >= 0 && k->fd >= 0)
		close(fd);
	else if (fd >= 0)
		k->fd = fd;
	k->end = 0;
	k->failed = false;
	if (status != NULL && strcmp(status, "later") == 0 && text != NULL && id[0] == '4')
		return outcome_make(id, "%s", text);
	if (status == NULL || strcmp(status, "ok") != 0 || id == NULL || strlen(id) >= sizeof e->queue_id || k->fd < 0)
		return no_scratch();
	snprintf(e->queue_id, sizeof e->queue_id, "%s", id);
	return outcome_done();
}

static bool
seek(const struct scratch *k, uint64_t at)
{
	return lseek(k->fd, (off_t)at, SEEK_SET) == (off_t)at;
}

void
filters_scratch_write(struct scratch *k, struct slice bytes)
{
	if (k->failed || bytes.len == 0)
		return;
	if (!seek(k, k->end) || !file_write_all(k->fd, bytes.data, bytes.len)) {
		log_error("scratch-failed", log_errno());
		k->failed = true;
		return;
	}
	k->end += bytes.len;
}

bool
filters_scratch_read(const struct scratch *k, uint64_t at, char *into, size_t len)
{
	if (!seek(k, at))
		return false;
	while (len > 0) {
		ssize_t n = read(k->fd, into, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("scratch-failed", log_errno());
			return false;
		}
		into += n;
		len -= (size_t)n;
	}
	return true;
}
