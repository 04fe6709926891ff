#include "queue/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/bcc.h"
#include "queue/manager.h"
#include "queue/places.h"

#define CROWD_WAIT   10 /* seconds until there may be memory for it */
#define TROUBLE_WAIT 60 /* seconds until a message is looked at again that our own trouble held up */

void
message_not_now(struct message *m)
{
	if (m->offered)
		manager_answer_offer(m->id, false);
	m->offered = false;
}

void
message_forget(struct message *m)
{
	message_not_now(m);
	places_give_back(m);
	close(m->fd);
	if (m->write_fd >= 0)
		close(m->write_fd);
	queue_file_free(&m->file);
	address_set_free(&m->seen);
	free(m->order);
	bcc_free(m->bcc);
	free(m);
	timer_set(&manager.due, 0);
}

void
message_try_later(uint64_t id)
{
	manager_wait_until(id, (uint64_t)clock_unix() + TROUBLE_WAIT);
}

/* It was not looked at: what was known of it is still true. */
static void
wait_as_before(const struct waiting_entry *e, uint64_t seconds)
{
	struct waiting_entry again = *e;
	again.due = waiting_time((uint64_t)clock_unix() + seconds);
	manager_wait(again);
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
dismiss(const struct waiting_entry *e, const char *name, enum file_result r)
{
	if (r == FILE_UNCOMMITTED && e->found)
		sweep(e->id, name);
	else if (r == FILE_TROUBLE && errno == ENOENT)
		log_warning("queue-file-gone", log_text("queue", name));
	else if (r == FILE_TROUBLE && errno != ELOOP && errno != ENXIO && errno != EISDIR) {
		log_error("queue-file-not-read", log_text("queue", name), log_errno());
		wait_as_before(e, TROUBLE_WAIT);
	} else
		set_aside(e->id, name);
}

/* What the intake has just completed is whole; all else may have been torn in a crash. */
static enum file_result
read_message(struct message *m, enum origin origin, bool found)
{
	enum file_result r = queue_file_read(m->fd, origin == ORIGIN_WAITED, &m->file);
	if (r != FILE_OK)
		return r;
	bool mistaken = m->file.id != m->id, unanswered = m->file.offered && found;
	if (!mistaken && !unanswered)
		return FILE_OK;
	queue_file_free(&m->file);
	return mistaken ? FILE_DAMAGED : FILE_UNCOMMITTED;
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
waits_on(const struct message *m, const struct waiting_entry *e, uint64_t *due)
{
	uint64_t now = (uint64_t)clock_unix();
	*due = m->file.held ? DUE_HELD : m->file.next;
	if (m->file.held)
		return m->file.told;
	return e->found && !e->hurried && m->file.next > now && is_believable(m->file.next, now);
}

static void
wait_on(const struct message *m, uint64_t due)
{
	if (m->file.held)
		hold_told(m);
	manager_wait_until(m->id, due);
}

static struct message *
make_message(const struct waiting_entry *e)
{
	struct message *m = calloc(1, sizeof *m);
	if (m == NULL)
		return NULL;
	m->id = e->id;
	m->write_fd = -1;
	id_print(e->id, m->name);
	m->fd = queue_directory_open_file(&manager.directory, e->id, O_RDONLY);
	return m;
}

/* It gets no place: `m` was not linked. errno stays. */
static void
drop(struct message *m)
{
	int saved = errno;
	message_not_now(m);
	if (m->fd >= 0)
		close(m->fd);
	queue_file_free(&m->file);
	free(m);
	errno = saved;
}

static void
begin(struct message *m)
{
	places_take(m);
	if (m->file.held) {
		message_not_now(m);
		hold_tell(m);
	} else {
		message_begin_run(m);
	}
}

void
message_start(const struct waiting_entry *e, enum origin origin)
{
	struct message *m = make_message(e);
	if (m != NULL)
		m->offered = origin == ORIGIN_OFFERED;
	if (m == NULL || (m->fd >= 0 && !places_have_memory_for(m->fd))) {
		if (m != NULL)
			drop(m);
		wait_as_before(e, m == NULL ? TROUBLE_WAIT : CROWD_WAIT);
		return;
	}
	enum file_result r = m->fd >= 0 ? read_message(m, origin, e->found) : FILE_TROUBLE;
	uint64_t due;
	if (r == FILE_OK && !waits_on(m, e, &due)) {
		begin(m);
		return;
	}
	if (r != FILE_OK)
		dismiss(e, m->name, r);
	else
		wait_on(m, due);
	drop(m);
}
