#include "authd/usage.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/mail/address.h"

bool
usage_begin(struct usage *u)
{
	u->salt = random_number();
	u->slots = calloc(USAGE_SLOTS, sizeof *u->slots);
	return u->slots != NULL;
}

static size_t
place_of(const struct usage *u, struct slice user)
{
	uint64_t hash = 14695981039346656037u ^ u->salt;
	for (size_t i = 0; i < user.len; i++)
		hash = (hash ^ (unsigned char)user.data[i]) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

static bool
is_of(const struct usage_slot *s, struct slice user)
{
	return s->told != 0 && slice_equal(slice_make(s->user, s->len), user);
}

static struct usage_slot *
slot_at(const struct usage *u, size_t place)
{
	return &u->slots[place & (USAGE_SLOTS - 1)];
}

void
usage_tell(struct usage *u, struct slice user, struct usage_record record)
{
	if (user.len > USAGE_USER_MOST)
		return;
	size_t place = place_of(u, user);
	struct usage_slot *oldest = slot_at(u, place);
	for (size_t i = 0; i < USAGE_NEAR; i++) {
		struct usage_slot *s = slot_at(u, place + i);
		if (is_of(s, user)) {
			oldest = s;
			break;
		}
		if (s->told < oldest->told)
			oldest = s;
	}
	*oldest = (struct usage_slot){.told = clock_ms(), .record = record, .len = (uint16_t)user.len};
	memcpy(oldest->user, user.data, user.len);
}

static bool
counts(const struct usage_slot *s, int64_t now)
{
	return s->told != 0 && now - s->told < USAGE_LIFE;
}

struct usage_record
usage_find(const struct usage *u, struct slice user)
{
	size_t place = place_of(u, user);
	for (size_t i = 0; i < USAGE_NEAR; i++) {
		const struct usage_slot *s = slot_at(u, place + i);
		if (is_of(s, user) && counts(s, clock_ms()))
			return s->record;
	}
	return (struct usage_record){.bytes = 0};
}

/* Only domains with a quota are asked for; the table is small. */
uint64_t
usage_of_domain(const struct usage *u, struct slice domain)
{
	uint64_t sum = 0;
	int64_t now = clock_ms();
	for (size_t i = 0; i < USAGE_SLOTS; i++) {
		const struct usage_slot *s = &u->slots[i];
		struct slice local, own;
		if (!counts(s, now))
			continue;
		address_split(slice_make(s->user, s->len), &local, &own);
		if (slice_equal(own, domain) && __builtin_add_overflow(sum, s->record.bytes, &sum))
			return UINT64_MAX;
	}
	return sum;
}
