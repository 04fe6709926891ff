#include "queue/offer.h"

#include <errno.h>
#include <stddef.h>

#include "lib/base/clock.h"
#include "queue/intake.h"

#define PAUSE 10000 /* ms without offers, when one has waited in vain: the deliveries do not keep up */

static struct {
	struct offer_ends ends;
	int64_t           patience; /* ms */
	int64_t           pause_until;
	struct commit    *first;    /* what is offered now: as many as connections at most */
} offers;

void
offer_begin(uint64_t patience, const struct offer_ends *ends)
{
	offers.ends = *ends;
	offers.patience = (int64_t)patience * 1000;
}

/* Takes it out of those that are offered. False: it is none of them. */
static bool
take_out(const struct commit *k)
{
	for (struct commit **at = &offers.first; *at != NULL; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			return true;
		}
	return false;
}

/* It goes the way of any other. */
static void
sync_it(struct commit *k)
{
	if (intake_message_commit(&k->message))
		offers.ends.by_itself(k);
	else
		offers.ends.ended(k, errno);
}

static void
waited_in_vain(struct timer *t)
{
	struct commit *k = (struct commit *)((char *)t - offsetof(struct commit, patience));
	offers.pause_until = clock_ms() + PAUSE;
	if (take_out(k))
		sync_it(k);
}

void
offer_make(struct commit *k)
{
	k->patience.fire = waited_in_vain;
	k->offered = offers.patience > 0 && clock_ms() >= offers.pause_until && timer_set(&k->patience, offers.patience);
	if (k->offered && !intake_notify_offer(k->message.id)) {
		timer_cancel(&k->patience);
		k->offered = false;
	}
	if (!k->offered) {
		sync_it(k);
		return;
	}
	k->next = offers.first;
	offers.first = k;
}

void
offer_answered(uint64_t id, bool ended)
{
	struct commit *k = offers.first;
	while (k != NULL && k->message.id != id)
		k = k->next;
	/* Not there: its time was over. */
	if (k == NULL)
		return;
	take_out(k);
	timer_cancel(&k->patience);
	if (ended)
		offers.ends.ended(k, 0);
	else
		sync_it(k);
}
