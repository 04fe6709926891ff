#include "queue/places.h"

#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/destination.h"
#include "queue/manager.h"

#define STARTS_A_TURN 100  /* messages: a backlog must not keep the loop from what comes in */
#define LOOKS_A_TURN  5000 /* at entries of which only the tag is looked at */
#define TURN_MOST     20   /* ms, after which the next message waits for another turn */
#define HEAD_START    3600 /* seconds: what has just come goes before what has been due for less than this */
#define WATCH_MOST   5    /* seconds: a clock that jumps is noticed within */
#define STEP_LEAST   2000 /* ms that the clock goes back before it is called a jump */
#define PARK_WAIT     60   /* seconds, when nobody calls it */
#define CALL_EVERY    50   /* ms */
#define CALLS_MOST    16   /* destinations that are noted to be called for */
#define LARGE         (1u << 20) /* bytes of memory: such messages share a half of active_memory */
#define FRESH_SHARE   4    /* one of so many places is only for what has just come */

static struct {
	size_t       bytes, large_bytes;
	bool         starting;
	struct timer call;
	uint32_t     tags[CALLS_MOST];
	size_t       tag_count;
} places;

/* --- counting ----------------------------------------------------------------------- */

size_t
places_left(void)
{
	size_t most = (size_t)manager.settings->active_most;
	return manager.active_count < most ? most - manager.active_count : 0;
}

static bool
has_place(bool fresh)
{
	size_t kept = fresh ? 0 : (size_t)manager.settings->active_most / FRESH_SHARE;
	return !manager.draining && places_left() > kept && places.bytes < manager.settings->active_memory;
}

/* Of the file as it was read: the text, what points into it, the set of addresses, and the order. */
static size_t
bytes_of(const struct queue_file *f)
{
	return (size_t)(f->end - (off_t)f->message_size) + f->room * sizeof *f->recipients + f->count * 5 * sizeof(uint32_t);
}

void
places_take(struct message *m)
{
	m->next = manager.active;
	if (m->next != NULL)
		m->next->previous = m;
	manager.active = m;
	manager.active_count++;
	m->bytes = sizeof *m + bytes_of(&m->file);
	places.bytes += m->bytes;
	places.large_bytes += m->bytes > LARGE ? m->bytes : 0;
}

void
places_give_back(struct message *m)
{
	if (m->previous != NULL)
		m->previous->next = m->next;
	else
		manager.active = m->next;
	if (m->next != NULL)
		m->next->previous = m->previous;
	manager.active_count--;
	places.bytes -= m->bytes;
	places.large_bytes -= m->bytes > LARGE ? m->bytes : 0;
}

bool
places_have_memory_for(int fd)
{
	struct stat st;
	uint64_t bytes;
	if (places.large_bytes == 0 || fstat(fd, &st) < 0 || st.st_size < LARGE / 2 ||
	    !queue_file_envelope_size(fd, (uint64_t)st.st_size, &bytes))
		return true;
	/* About as much again for what points into it. */
	return bytes < LARGE / 2 || places.large_bytes + 2 * bytes <= manager.settings->active_memory / 2;
}

/* --- parking -------------------------------------------------------------------------- */

static void
park(uint64_t id, uint32_t tag)
{
	uint64_t due = (uint64_t)clock_unix() + PARK_WAIT;
	manager_wait((struct waiting_entry){.id = id, .due = waiting_time(due), .tag = tag & TAG_MASK, .parked = 1});
}

void
places_park(const struct message *m)
{
	struct destination *d = destination_tagged(m->parked_for);
	if (d != NULL)
		d->parked++;
	park(m->id, m->parked_for);
}

void
places_call(uint32_t tag)
{
	const struct destination *d = destination_tagged(tag);
	if (d == NULL || d->parked == 0 || destination_wants(d, places_left(), clock_ms()) == 0)
		return;
	for (size_t i = 0; i < places.tag_count; i++)
		if (places.tags[i] == tag)
			return;
	if (places.tag_count < CALLS_MOST)
		places.tags[places.tag_count++] = tag;
	if (places.call.place == 0)
		timer_set(&places.call, CALL_EVERY + (int64_t)(manager.waiting.count / 10000));
}

static void
call(uint32_t tag)
{
	struct destination *d = destination_tagged(tag);
	size_t wanted = d != NULL ? destination_wants(d, places_left(), clock_ms()) : 0;
	if (wanted > 0 && waiting_call(&manager.waiting, tag, (uint64_t)clock_unix(), wanted) < wanted)
		d->parked = 0;
}

/* Each looks through all that waits, so they come together and seldom. */
static void
call_fired(struct timer *t)
{
	(void)t;
	for (size_t i = 0; i < places.tag_count; i++)
		call(places.tags[i]);
	places.tag_count = 0;
	places_set_timer();
}

/* --- starting --------------------------------------------------------------------------- */

/* It is known to be for a destination whose line is full: parked, there is no need to read it. */
static bool
park_unread(const struct waiting_entry *e)
{
	struct destination *d = e->tag != 0 ? destination_tagged(e->tag) : NULL;
	if (d == NULL || destination_admits(d, places_left(), clock_ms()) != DESTINATION_FULL)
		return false;
	if (!e->parked)
		d->parked++;
	park(e->id, e->tag);
	return true;
}

static void
start(const struct waiting_entry *e)
{
	struct destination *d = e->parked ? destination_tagged(e->tag) : NULL;
	if (d != NULL && d->parked > 0)
		d->parked--;
	message_start(e, ORIGIN_WAITED);
}

void
places_set_timer(void)
{
	const struct waiting *w = &manager.waiting;
	if (places.starting || w->count == 0 || !has_place(w->heap[0].fresh))
		return;
	uint64_t now = (uint64_t)clock_unix(), due = w->heap[0].due;
	uint64_t wait = due > now ? due - now : 0;
	timer_set(&manager.due, (int64_t)(wait < WATCH_MOST ? wait : WATCH_MOST) * 1000);
}

void
places_notice_clock(void)
{
	static int64_t before;
	int64_t ahead = clock_unix_us() / 1000 - clock_ms(), back = before - ahead;
	bool jumped = before != 0 && back > STEP_LEAST;
	before = ahead;
	if (!jumped)
		return;
	size_t called = waiting_limit(&manager.waiting, (uint64_t)clock_unix(), message_wait_most());
	log_warning("clock-jumped-back", log_number("seconds", back / 1000), log_number("hurried", (int64_t)called));
}

static void
start_due(struct timer *t)
{
	(void)t;
	places_notice_clock();
	struct waiting_entry e;
	struct waiting *w = &manager.waiting;
	int64_t end = clock_ms() + TURN_MOST;
	int started = 0;
	places.starting = true;
	for (int looked = 0; looked < LOOKS_A_TURN && started < STARTS_A_TURN && clock_ms() < end; looked++) {
		if (w->count == 0 || !has_place(w->heap[0].fresh) || !waiting_take(w, (uint64_t)clock_unix(), &e))
			break;
		if (park_unread(&e))
			continue;
		start(&e);
		started++;
	}
	places.starting = false;
	places_set_timer();
}

void
places_start_fresh(uint64_t id, enum origin origin)
{
	struct waiting_entry e = {.id = id, .fresh = 1};
	if (has_place(true)) {
		message_start(&e, origin);
		return;
	}
	if (origin == ORIGIN_OFFERED)
		manager_answer_offer(id, false);
	e.due = waiting_time((uint64_t)clock_unix() - HEAD_START);
	manager_wait(e);
}

void
places_begin(void)
{
	manager.due.fire = start_due;
	places.call.fire = call_fired;
}
