/*
 * The way to other hosts: recipients of one message that go the same way make a
 * group, groups stand in the lines of their destinations (destination.h), and
 * those whose turn it is go to postern-remote (channel.h).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "queue/channel.h"
#include "queue/manager.h"
#include "queue/outward_keys.h"
#include "queue/places.h"
#include "queue/transaction.h"

#define REQUEST_ROOM 56000 /* bytes of a packet for recipients and their keys */

static struct traffic outward;
static bool           assigning;

/* --- what became of a group -------------------------------------------------------- */

/*
 * Trouble of the whole group with the host or on the way to it: 4.4.x
 * (RFC 3463: network and routing status) for every one of it.
 */
static enum served
service_of(const struct group *g, const struct outcome *outcomes)
{
	if (outcomes == NULL)
		return SERVED_NOT;
	for (size_t i = 0; i < g->count; i++)
		if (strncmp(outcomes[i].code, "4.4.", 4) != 0)
			return SERVED_WELL;
	return SERVED_BADLY;
}

static void
end_group(struct group *g, const struct outcome *outcomes)
{
	for (size_t i = 0; i < g->count; i++) {
		if (outcomes != NULL)
			delivery_ended(g->members[i], &outcomes[i]);
		else
			delivery_interrupted(g->members[i], "sending was interrupted");
	}
	free(g);
}

static struct outcome
not_tried(const struct outcome *reason)
{
	return outcome_make(reason->code, "not tried, since this has just failed: %s", reason->text);
}

/* Nobody tries it: what the host did a moment ago is the answer. */
static void
defer_group(struct group *g, const struct outcome *reason)
{
	struct outcome o = not_tried(reason);
	for (size_t i = 0; i < g->count; i++)
		delivery_ended(g->members[i], &o);
	free(g);
}

static void
log_dead(const struct destination *d, const struct outcome *why)
{
	log_warning("destination-dead", log_slice("destination", slice_make(d->name, d->name_len)),
	    log_number("pause_s", outward.rules.pause / 1000), log_text("reason", why->text));
}

/* What it says of its destination, then what it says of its recipients. */
static void
end_service(struct group *g, const struct outcome *outcomes)
{
	struct outcome why = outcomes != NULL ? outcomes[0] : outcome_done();
	struct destination *d = g->destination;
	struct group *line;
	uint32_t tag = d->tag;
	if (destination_served(d, service_of(g, outcomes), &why, clock_ms(), &line))
		log_dead(d, &why);
	places_call(tag);
	end_group(g, outcomes);
	while (line != NULL) {
		struct group *next = line->next;
		defer_group(line, &why);
		line = next;
	}
}

static void assign_groups(void);

void
outward_answered(struct group *g, const struct outcome *outcomes)
{
	end_service(g, outcomes);
	assign_groups();
}

static void
assign_groups(void)
{
	struct group *g;
	/* What cannot be sent ends at once, and its message may start others. */
	if (assigning)
		return;
	assigning = true;
	while (!manager.draining && (g = destination_next(&outward, clock_ms())) != NULL)
		if (!channel_send(g))
			end_service(g, NULL);
	assigning = false;
}

/* --- grouping ----------------------------------------------------------------------------- */

static struct slice
domain_of(const struct delivery *d)
{
	struct slice local, domain;
	address_split(delivery_recipient(d)->address, &local, &domain);
	return domain;
}

static struct slice
next_hop(const struct delivery *d)
{
	return d->transport[0] != '\0' ? slice_of(d->transport) : domain_of(d);
}

/* A next hop without SMTPUTF8 can have those that do not need it: they go apart. */
static bool
is_ascii(const struct delivery *d)
{
	return address_is_ascii(delivery_recipient(d)->address);
}

/* The message's own, or one under which it is forwarded. */
static struct slice
sender_of(const struct delivery *d)
{
	return d->sender != NULL ? slice_of(d->sender) : d->message->file.sender;
}

static int
compare_ways(const struct delivery *a, const struct delivery *b)
{
	int order = slice_compare(next_hop(a), next_hop(b));
	if (order != 0)
		return order;
	/* A domain and a transport may be spelt alike. */
	if ((a->transport[0] == '\0') != (b->transport[0] == '\0'))
		return a->transport[0] == '\0' ? -1 : 1;
	order = slice_compare(sender_of(a), sender_of(b));
	return order != 0 ? order : is_ascii(b) - is_ascii(a);
}

static int
compare_places(const void *a, const void *b)
{
	const struct delivery *x = *(struct delivery *const *)a, *y = *(struct delivery *const *)b;
	int order = compare_ways(x, y);
	return order != 0 ? order : (x->recipient > y->recipient) - (x->recipient < y->recipient);
}

static size_t
room_for(const struct delivery *d)
{
	const struct file_recipient *r = delivery_recipient(d);
	return r->address.len + outward_keys_room(&d->message->file, r) + 2;
}

/* How many of them, from the first on, go together. */
static size_t
count_together(struct delivery *const *all, size_t count)
{
	size_t n = 0, bytes = 0;
	while (n < count && n < TRANSACTION_RECIPIENTS_MOST && bytes < REQUEST_ROOM && compare_ways(all[0], all[n]) == 0)
		bytes += room_for(all[n++]);
	return n;
}

/* --- joining a line ------------------------------------------------------------------------- */

static void
interrupt_all(struct delivery *const *all, size_t count, const char *why)
{
	for (size_t i = 0; i < count; i++)
		delivery_interrupted(all[i], why);
}

static void
join(struct destination *d, struct delivery *const *all, size_t count)
{
	struct group *g = malloc(sizeof *g + count * sizeof *g->members);
	if (g == NULL) {
		destination_leave(d);
		interrupt_all(all, count, "no memory");
		return;
	}
	*g = (struct group){.message = all[0]->message, .count = count};
	memcpy(g->members, all, count * sizeof *all);
	destination_join(d, g, g->message->file.count > count);
}

static void
defer_all(struct destination *d, struct delivery *const *all, size_t count)
{
	struct outcome o = d->reason != NULL ? not_tried(d->reason) : outcome_make("4.4.1", "not tried, since the host has just failed");
	destination_leave(d);
	for (size_t i = 0; i < count; i++)
		delivery_ended(all[i], &o);
}

/* Recipients that go together: into the line of their destination, or not now. */
static void
send_together(struct delivery *const *all, size_t count)
{
	struct destination *d = destination_of(&outward, next_hop(all[0]));
	if (d == NULL) {
		interrupt_all(all, count, "no memory");
		return;
	}
	message_goes_to(all[0]->message, d->tag);
	switch (destination_admits(d, places_left(), clock_ms())) {
	case DESTINATION_OPEN:
		join(d, all, count);
		break;
	case DESTINATION_FULL:
		for (size_t i = 0; i < count; i++)
			delivery_parked(all[i], d->tag);
		break;
	case DESTINATION_DEAD:
		defer_all(d, all, count);
		break;
	}
}

/* The list as an array, in order of their ways; NULL: no memory. */
static struct delivery **
in_order(struct delivery *list, size_t *count)
{
	*count = 0;
	for (struct delivery *d = list; d != NULL; d = d->next)
		++*count;
	struct delivery **all = calloc(*count, sizeof *all), **at = all;
	for (struct delivery *d = list; all != NULL && d != NULL; d = d->next)
		*at++ = d;
	if (all != NULL)
		qsort(all, *count, sizeof *all, compare_places);
	return all;
}

static void
interrupt_list(struct delivery *d)
{
	while (d != NULL) {
		struct delivery *next = d->next;
		delivery_interrupted(d, "no memory");
		d = next;
	}
}

void
outward_deliver(struct message *m)
{
	struct delivery *list = m->outward;
	m->outward = NULL;
	size_t count, done = 0;
	struct delivery **all = in_order(list, &count);
	if (all == NULL)
		interrupt_list(list);
	while (all != NULL && done < count) {
		size_t n = count_together(all + done, count - done);
		send_together(all + done, n);
		done += n;
	}
	free(all);
	assign_groups();
}

size_t
outward_busy(void)
{
	return outward.busy;
}

void
outward_begin(void)
{
	const struct queue_settings *s = manager.settings;
	uint64_t pause = s->destination_pause < s->retry_first ? s->destination_pause : s->retry_first;
	outward = (struct traffic){
	    .rules = {.first = (unsigned)s->destination_first, .most = (unsigned)s->destination_most,
	        .failures = (unsigned)s->destination_failures, .pause = (int64_t)pause * 1000},
	    .places = (size_t)s->remote_concurrency,
	};
}
