#include "queue/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/bcc.h"
#include "queue/manager.h"

#define TROUBLE_WAIT 60 /* seconds until a message is looked at again that our own trouble held up */

static void
link_message(struct message *m)
{
	m->next = manager.active;
	if (m->next != NULL)
		m->next->previous = m;
	manager.active = m;
	manager.active_count++;
}

void
message_forget(struct message *m)
{
	if (m->previous != NULL)
		m->previous->next = m->next;
	else
		manager.active = m->next;
	if (m->next != NULL)
		m->next->previous = m->previous;
	manager.active_count--;
	close(m->fd);
	if (m->write_fd >= 0)
		close(m->write_fd);
	queue_file_free(&m->file);
	address_set_free(&m->seen);
	bcc_free(m->bcc);
	free(m);
	manager_start_due();
}

void
message_try_later(uint64_t id)
{
	manager_wait_until(id, (uint64_t)clock_unix() + TROUBLE_WAIT);
}

static void
set_aside(uint64_t id, const char *name)
{
	bool moved = queue_directory_set_aside(&manager.directory, id);
	log_error("queue-file-damaged", log_text("queue", name), moved ? log_text("moved", "damaged/") : log_errno(),
	    log_text("hint", "look at it in the directory damaged of the queue; it may hold a message"));
}

static void
sweep(uint64_t id, const char *name)
{
	bool removed = queue_directory_remove(&manager.directory, id);
	log_info("swept", log_text("queue", name), removed ? log_text("reason", "never answered") : log_errno());
}

/* What to do with a file that is no message to work on. */
static void
dismiss(uint64_t id, const char *name, enum file_result r, bool found)
{
	if (r == FILE_UNCOMMITTED && found)
		sweep(id, name);
	else if (r == FILE_TROUBLE && errno == ENOENT)
		log_warning("queue-file-gone", log_text("queue", name));
	else if (r == FILE_TROUBLE && errno != ELOOP && errno != ENXIO && errno != EISDIR) {
		log_error("queue-file-not-read", log_text("queue", name), log_errno());
		message_try_later(id);
	} else
		set_aside(id, name);
}

static enum file_result
open_and_read(struct message *m, enum origin origin)
{
	m->fd = queue_directory_open_file(&manager.directory, m->id, O_RDONLY);
	if (m->fd < 0)
		return FILE_TROUBLE;
	/* What the intake has just committed is whole; all else may have been torn in a crash. */
	enum file_result r = queue_file_read(m->fd, origin != ORIGIN_COMMITTED, &m->file);
	if (r == FILE_OK && m->file.id != m->id) {
		queue_file_free(&m->file);
		r = FILE_DAMAGED;
	}
	if (r != FILE_OK) {
		int saved = errno;
		close(m->fd);
		errno = saved;
	}
	return r;
}

/* Later than any wait is: a clock was wrong when it was written, or it is damaged. */
static bool
is_believable(uint64_t next, uint64_t now)
{
	uint64_t most = manager.settings->retry_most > TROUBLE_WAIT ? manager.settings->retry_most : TROUBLE_WAIT;
	return next <= now + most;
}

/* Why a message that could be read has no turn now; false: it has. */
static bool
waits_on(const struct message *m, enum origin origin, uint64_t *due)
{
	uint64_t now = (uint64_t)clock_unix();
	*due = m->file.held ? DUE_HELD : m->file.next;
	if (m->file.held)
		return m->file.told;
	return origin == ORIGIN_FOUND && m->file.next > now && is_believable(m->file.next, now);
}

void
message_start(uint64_t id, enum origin origin)
{
	struct message *m = calloc(1, sizeof *m);
	if (m == NULL) {
		message_try_later(id);
		return;
	}
	m->id = id;
	m->write_fd = -1;
	id_print(id, m->name);
	enum file_result r = open_and_read(m, origin);
	if (r != FILE_OK) {
		dismiss(id, m->name, r, origin == ORIGIN_FOUND);
		free(m);
		return;
	}
	uint64_t due;
	if (waits_on(m, origin, &due)) {
		if (m->file.held)
			hold_told(m);
		manager_wait_until(id, due);
		close(m->fd);
		queue_file_free(&m->file);
		free(m);
		return;
	}
	link_message(m);
	if (m->file.held)
		hold_tell(m);
	else
		message_begin_run(m);
}
