#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "queue/manager.h"
#include "queue/places.h"
#include "queue/retry.h"

#define HURRY_FIRST 5 /* seconds to the first retry after trouble of our own */

/* What waited for a person is not late: its time begins with the release. */
bool
message_is_too_old(const struct message *m)
{
	const struct queue_settings *s = manager.settings;
	uint64_t life = m->file.sender.len == 0 ? s->bounce_life : s->life;
	if (m->file.held)
		return false;
	if (m->file.released)
		return retry_is_spent(m->file.tries, s->retry_first, s->retry_most, life);
	return retry_is_over(m->file.arrival / 1000000, (uint64_t)clock_unix(), life);
}

static void
stay_held(struct message *m)
{
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_hold(fd))
		log_error("mark-not-written", log_text("queue", m->name), log_errno());
	manager_wait_until(m->id, DUE_HELD);
}

static uint64_t
wait_of(const struct message *m, unsigned tries)
{
	const struct queue_settings *s = manager.settings;
	uint64_t first = s->retry_first;
	if (m->hurried && first > HURRY_FIRST)
		first = HURRY_FIRST;
	/* Some have not been tried at all. */
	uint64_t most = m->parked > 0 ? s->retry_first : s->retry_most;
	return retry_spread(retry_wait(tries, first, most), random_number());
}

static void
wait_for_retry(struct message *m)
{
	unsigned tries = m->file.tries + 1;
	uint64_t next = (uint64_t)clock_unix() + wait_of(m, tries);
	int fd = message_open_for_writing(m);
	if (fd < 0 || !queue_file_retry(fd, &m->file, tries, next))
		log_error("mark-not-written", log_text("queue", m->name), log_errno());
	manager_wait((struct waiting_entry){.id = m->id, .due = waiting_time(next), .tag = m->tag != TAG_SEVERAL ? m->tag & TAG_MASK : 0});
}

void
message_wait(struct message *m)
{
	if (m->file.held)
		stay_held(m);
	else if (m->parked > 0 && m->deferred == 0)
		places_park(m);
	else
		wait_for_retry(m);
	message_forget(m);
}
