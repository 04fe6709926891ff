#include "authd/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cache.h"
#include "lib/base/clock.h"
#include "lib/base/number.h"
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

static struct usage_slot *
look_up(const struct usage *u, struct slice user)
{
	size_t place = place_of(u, user);
	for (size_t i = 0; i < USAGE_NEAR; i++) {
		struct usage_slot *s = slot_at(u, place + i);
		if (is_of(s, user) && counts(s, clock_ms()))
			return s;
	}
	return NULL;
}

/* The user's slot, or that of whom was told of longest ago. */
static struct usage_slot *
put(struct usage *u, struct slice user, struct usage_record record, int64_t told)
{
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
	*oldest = (struct usage_slot){.told = told != 0 ? told : -1, .record = record, .len = (uint16_t)user.len};
	memcpy(oldest->user, user.data, user.len);
	return oldest;
}

/* --- over a restart ------------------------------------------------------------------- */

static void
keep(const struct usage *u, struct slice user, struct usage_record record)
{
	char text[44];
	int len = snprintf(text, sizeof text, "%llu,%llu", (unsigned long long)record.bytes, (unsigned long long)record.messages);
	if (u->cache != NULL)
		cache_note(u->cache, MAP_TOLD, user, FACT_FOUND, slice_make(text, (size_t)len), clock_ms());
}

/* What the cache still knows. */
static struct usage_slot *
recall(struct usage *u, struct slice user)
{
	struct cache_fact f;
	struct usage_record record;
	struct slice bytes;
	if (u->cache == NULL || user.len > USAGE_USER_MOST || !cache_find(u->cache, MAP_TOLD, user, &f) || f.age_ms >= USAGE_LIFE)
		return NULL;
	bool good = slice_split(&f.value, ',', &bytes) && number_parse(bytes, INT64_MAX, &record.bytes) &&
	    number_parse(f.value, INT64_MAX, &record.messages);
	return good ? put(u, user, record, clock_ms() - f.age_ms) : NULL;
}

/* --- asking and telling ----------------------------------------------------------------- */

static struct usage_slot *
find(struct usage *u, struct slice user)
{
	struct usage_slot *s = look_up(u, user);
	return s != NULL ? s : recall(u, user);
}

/* "@example.org" of a user there; of a domain nothing. */
static struct slice
domain_of(struct slice user)
{
	size_t at = slice_find_last(user, '@');
	return at == 0 || at == user.len ? slice_of("") : slice_from(user, at);
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
shift_domain(struct usage *u, struct slice user, struct usage_record record)
{
	struct slice domain = domain_of(user);
	const struct usage_slot *known = domain.len > 0 ? find(u, user) : NULL;
	if (known == NULL)
		return;
	const struct usage_record before = known->record;
	struct usage_slot *d = find(u, domain);
	if (d == NULL)
		return;
	d->record.bytes = shifted(d->record.bytes, before.bytes, record.bytes);
	d->record.messages = shifted(d->record.messages, before.messages, record.messages);
	keep(u, domain, d->record);
}

void
usage_tell(struct usage *u, struct slice user, struct usage_record record)
{
	if (user.len > USAGE_USER_MOST)
		return;
	shift_domain(u, user, record);
	put(u, user, record, clock_ms());
	keep(u, user, record);
}

struct usage_record
usage_find(struct usage *u, struct slice user)
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
usage_of_domain(struct usage *u, struct slice domain)
{
	char name[USAGE_USER_MOST];
	if (domain.len + 1 > sizeof name)
		return 0;
	name[0] = '@';
	memcpy(name + 1, domain.data, domain.len);
	const struct usage_slot *s = find(u, slice_make(name, domain.len + 1));
	return s != NULL ? s->record.bytes : sum_of_users(u, domain);
}
