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

static bool
counts(const struct usage_slot *s, int64_t now)
{
	return s->told != 0 && now - s->told < USAGE_LIFE;
}

/* The slot of a user, if what is in it still counts. */
static struct usage_slot *
find(const struct usage *u, struct slice user)
{
	size_t place = place_of(u, user);
	for (size_t i = 0; i < USAGE_NEAR; i++) {
		struct usage_slot *s = slot_at(u, place + i);
		if (is_of(s, user) && counts(s, clock_ms()))
			return s;
	}
	return NULL;
}

/* "@example.org" of a user there; of a domain nothing. */
static struct usage_slot *
find_domain(const struct usage *u, struct slice user)
{
	size_t at = slice_find_last(user, '@');
	return at == 0 || at == user.len ? NULL : find(u, slice_from(user, at));
}

static uint64_t
shifted(uint64_t sum, uint64_t before, uint64_t now)
{
	if (now < before)
		return sum > before - now ? sum - (before - now) : 0;
	return __builtin_add_overflow(sum, now - before, &sum) ? UINT64_MAX : sum;
}

/* The domain's sum goes with its user. */
static void
shift_domain(const struct usage *u, struct slice user, struct usage_record record)
{
	const struct usage_slot *before = find(u, user);
	struct usage_slot *domain = before != NULL ? find_domain(u, user) : NULL;
	if (domain == NULL)
		return;
	domain->record.bytes = shifted(domain->record.bytes, before->record.bytes, record.bytes);
	domain->record.messages = shifted(domain->record.messages, before->record.messages, record.messages);
}

void
usage_tell(struct usage *u, struct slice user, struct usage_record record)
{
	if (user.len > USAGE_USER_MOST)
		return;
	shift_domain(u, user, record);
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

struct usage_record
usage_find(const struct usage *u, struct slice user)
{
	const struct usage_slot *s = find(u, user);
	return s != NULL ? s->record : (struct usage_record){.bytes = 0};
}

/* Only domains with a quota are asked for; the table is small. */
static uint64_t
sum_of_users(const struct usage *u, struct slice domain)
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

uint64_t
usage_of_domain(const struct usage *u, struct slice domain)
{
	char name[USAGE_USER_MOST];
	if (domain.len + 1 > sizeof name)
		return 0;
	name[0] = '@';
	memcpy(name + 1, domain.data, domain.len);
	const struct usage_slot *s = find(u, slice_make(name, domain.len + 1));
	return s != NULL ? s->record.bytes : sum_of_users(u, domain);
}
