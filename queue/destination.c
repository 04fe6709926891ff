#include "queue/destination.h"

#include <stdlib.h>

#include "queue/destination_table.h"

#define ROOM_SHARE 2 /* a line may be so many times as long as there is room for others */

enum admission
destination_admits(const struct destination *d, size_t room, int64_t now)
{
	if (window_limit(&d->window, now) == 0)
		return DESTINATION_DEAD;
	if (destination_is_idle(d))
		return DESTINATION_OPEN;
	if (d->window.dead)
		return DESTINATION_FULL;
	return d->busy + d->waiting < ROOM_SHARE * room ? DESTINATION_OPEN : DESTINATION_FULL;
}

size_t
destination_wants(const struct destination *d, size_t room, int64_t now)
{
	size_t has = d->busy + d->waiting, most = d->window.dead ? 1 : ROOM_SHARE * room;
	if (window_limit(&d->window, now) == 0)
		return SIZE_MAX;
	return has * 2 < most ? most - has : 0;
}

/* The turn after that of the message's last group in the line. */
static uint64_t
turn_after_its_last(const struct destination *d, const struct message *m)
{
	uint64_t turn = d->turn;
	for (const struct group *g = d->first; g != NULL; g = g->next)
		if (g->message == m && g->turn >= turn)
			turn = g->turn + 1;
	return turn;
}

static void
insert(struct destination *d, struct group *g)
{
	struct group **at = &d->first;
	if (d->last != NULL && d->last->turn <= g->turn)
		at = &d->last->next;
	while (*at != NULL && (*at)->turn <= g->turn)
		at = &(*at)->next;
	g->next = *at;
	*at = g;
	if (g->next == NULL)
		d->last = g;
}

void
destination_join(struct destination *d, struct group *g, bool several)
{
	if (destination_is_idle(d))
		destination_wake(d);
	g->destination = d;
	g->turn = several ? turn_after_its_last(d, g->message) : d->turn;
	insert(d, g);
	if (d->waiting++ == 0)
		destination_ring_add(&d->traffic->next, d);
}

static struct group *
take_first(struct destination *d)
{
	struct group *g = d->first;
	d->first = g->next;
	if (d->first == NULL)
		d->last = NULL;
	g->next = NULL;
	d->turn = g->turn;
	if (--d->waiting == 0)
		destination_ring_remove(&d->traffic->next, d);
	return g;
}

/* Within its window, and one that is served already leaves as many places as it takes. */
static bool
may_be_served(const struct destination *d, int64_t now)
{
	size_t left = d->traffic->places - d->traffic->busy;
	return d->busy < window_limit(&d->window, now) && (d->busy == 0 || d->busy < left);
}

/* Whose turn it is, or NULL. Those that may not be served are busy: no more of them than there are places. */
static struct destination *
find_next(const struct traffic *t, int64_t now)
{
	struct destination *first = t->next, *d = first;
	if (d == NULL || t->busy >= t->places)
		return NULL;
	while (!may_be_served(d, now)) {
		d = d->next;
		if (d == first)
			return NULL;
	}
	return d;
}

bool
destination_is_ready(const struct traffic *t, int64_t now)
{
	return find_next(t, now) != NULL;
}

struct group *
destination_next(struct traffic *t, int64_t now)
{
	struct destination *d = find_next(t, now);
	if (d == NULL)
		return NULL;
	t->next = d->next;
	d->busy++;
	t->busy++;
	return take_first(d);
}

struct group *
destination_take(struct traffic *t)
{
	struct destination *d = t->next;
	if (d == NULL)
		return NULL;
	struct group *g = take_first(d);
	g->destination = NULL;
	if (destination_is_idle(d))
		destination_rest(d);
	return g;
}

static struct group *
take_line(struct destination *d)
{
	struct group *line = d->first;
	if (line != NULL)
		destination_ring_remove(&d->traffic->next, d);
	for (struct group *g = line; g != NULL; g = g->next)
		g->destination = NULL;
	d->first = d->last = NULL;
	d->waiting = 0;
	return line;
}

static void
note_reason(struct destination *d, const struct outcome *why)
{
	if (d->reason == NULL)
		d->reason = malloc(sizeof *d->reason);
	if (d->reason != NULL)
		*d->reason = *why;
}

bool
destination_served(struct destination *d, enum served s, const struct outcome *why, int64_t now, struct group **line)
{
	d->busy--;
	d->traffic->busy--;
	if (s == SERVED_WELL)
		window_success(&d->window, &d->traffic->rules);
	bool dies = s == SERVED_BADLY && window_failure(&d->window, &d->traffic->rules, now);
	if (dies)
		note_reason(d, why);
	*line = dies ? take_line(d) : NULL;
	if (destination_is_idle(d))
		destination_rest(d);
	return dies;
}
