#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "queue/manager.h"
#include "queue/places.h"
#include "queue/retry.h"

#define HURRY_FIRST 5 /* seconds to the first retry after trouble of our own */

/*
 * The clock says so, and so do at least the attempts of half a life: a clock that
 * jumps, or a host that was off for days, makes no message old that was hardly tried.
 */
static bool
is_life_over(const struct message *m)
{
	const struct queue_settings *s = manager.settings;
	uint64_t life = m->file.sender.len == 0 ? s->bounce_life : s->life;
	if (m->file.released)
		return retry_is_spent(m->file.tries, s->retry_first, s->retry_most, life);
	return retry_is_over(m->file.arrival / 1000000, (uint64_t)clock_unix(), life) &&
	    retry_is_spent(m->file.tries + 1, s->retry_first, s->retry_most, life / 2);
}

/* What waited for a person is not late: its time begins with the release. Nor is what was not tried. */
bool
message_is_too_old(const struct message *m)
{
	return !m->file.held && m->held_recipients == 0 && m->parked == 0 && is_life_over(m);
}

/* All that is left is held by a transport; or the rest has waited long enough, and what is held is not returned for its age. */
static bool
is_to_be_held(const struct message *m)
{
	uint32_t pending = 0;
	for (size_t i = 0; i < m->file.count; i++)
		pending += queue_file_is_pending(&m->file.recipients[i]);
	return m->held_recipients > 0 && (pending <= m->held_recipients || (m->parked == 0 && is_life_over(m)));
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
	if (m->file.held || is_to_be_held(m))
		stay_held(m);
	else if (m->parked > 0 && m->deferred == 0)
		places_park(m);
	else
		wait_for_retry(m);
	message_forget(m);
}
