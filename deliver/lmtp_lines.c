#include "deliver/lmtp_lines.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/siphash.h"

#define PLACES 1024 /* two mailboxes that share one go together: no harm, and seldom */

static struct {
	struct lmtp_peer *turn; /* in the ring: who is next */
	struct siphash_key key;
	bool               keyed;
	struct {
		const void *worker;
		size_t      given;
	} places[PLACES];
} lines;

bool
lmtp_lines_wait(void)
{
	return lines.turn != NULL;
}

/* --- the ring of those who wait ------------------------------------------------------------- */

static void
join_ring(struct lmtp_peer *p)
{
	struct lmtp_peer *turn = lines.turn;
	if (turn == NULL) {
		lines.turn = p->next = p->previous = p;
		return;
	}
	p->next = turn;
	p->previous = turn->previous;
	p->previous->next = turn->previous = p;
}

static void
leave_ring(struct lmtp_peer *p)
{
	if (lines.turn == p)
		lines.turn = p->next != p ? p->next : NULL;
	p->next->previous = p->previous;
	p->previous->next = p->next;
}

static struct lmtp_job *
take_first(struct lmtp_peer *p)
{
	struct lmtp_job *j = p->first;
	p->first = j->next;
	if (--p->waiting == 0)
		leave_ring(p);
	return j;
}

static void
free_job(struct lmtp_job *j)
{
	close(j->message);
	free(j);
}

/* --- jobs ----------------------------------------------------------------------------------- */

static size_t
place_of(const char *address)
{
	if (!lines.keyed)
		lines.key = siphash_key_new();
	lines.keyed = true;
	return (size_t)(siphash(&lines.key, slice_of(address)) % PLACES);
}

bool
lmtp_lines_add(struct lmtp_peer *p, struct slice fields, const char *address, int message, uint64_t size)
{
	struct lmtp_job *j = malloc(sizeof *j + fields.len);
	if (j == NULL) {
		close(message);
		return false;
	}
	*j = (struct lmtp_job){.peer = p, .message = message, .size = size, .place = place_of(address)};
	memcpy(j->fields, fields.data, fields.len);
	j->tag = j->fields;
	j->id = j->tag + strlen(j->tag) + 1;
	j->rest = slice_from(slice_make(j->fields, fields.len), (size_t)(j->id - j->tag));
	if (p->waiting++ == 0) {
		p->first = j;
		join_ring(p);
	} else {
		p->last->next = j;
	}
	p->last = j;
	return true;
}

/* Nothing that must end before the peer's first job is with another worker. */
static bool
is_open(const struct lmtp_peer *p, const void *worker)
{
	size_t place = p->first->place;
	return (p->given == 0 || p->worker == worker) && (lines.places[place].given == 0 || lines.places[place].worker == worker);
}

static struct lmtp_job *
give_first(struct lmtp_peer *p, void *worker)
{
	struct lmtp_job *j = take_first(p);
	p->given++;
	p->worker = worker;
	lines.places[j->place].given++;
	lines.places[j->place].worker = worker;
	return j;
}

struct lmtp_job *
lmtp_lines_next(void *worker)
{
	struct lmtp_peer *p = lines.turn;
	if (p == NULL)
		return NULL;
	while (!is_open(p, worker)) {
		p = p->next;
		if (p == lines.turn)
			return NULL;
	}
	lines.turn = p->next;
	return give_first(p, worker);
}

struct lmtp_job *
lmtp_lines_further(struct lmtp_peer *p)
{
	return p->waiting > 0 && p->given > 0 && is_open(p, p->worker) ? give_first(p, p->worker) : NULL;
}

void
lmtp_lines_done(struct lmtp_job *j)
{
	lines.places[j->place].given--;
	if (j->peer != NULL)
		j->peer->given--;
	free_job(j);
}

void
lmtp_lines_leave(struct lmtp_peer *p, void *const *jobs, size_t count)
{
	while (p->waiting > 0)
		free_job(take_first(p));
	for (size_t i = 0; i < count; i++) {
		struct lmtp_job *j = jobs[i];
		if (j->peer == p)
			j->peer = NULL;
	}
}
