#include "queue/told.h"

#include <string.h>

void
told_begin(struct told *t)
{
	memset(t->logins, 0, sizeof t->logins);
	t->key = siphash_key_new();
}

static uint64_t
hash_of(const struct told *t, struct slice login)
{
	return siphash(&t->key, login) | 1; /* never 0 */
}

/* Its place, or the one that is free or the oldest. */
static size_t
place_of(const struct told *t, uint64_t hash)
{
	size_t oldest = 0;
	for (size_t i = 0; i < TOLD_LOGINS; i++) {
		if (t->logins[i].hash == hash)
			return i;
		if (t->logins[i].when < t->logins[oldest].when)
			oldest = i;
	}
	return oldest;
}

bool
told_has(const struct told *t, struct slice login, uint64_t now)
{
	size_t at = place_of(t, hash_of(t, login));
	return t->logins[at].hash != 0 && t->logins[at].when <= now && now - t->logins[at].when < TOLD_TIME;
}

void
told_add(struct told *t, struct slice login, uint64_t now)
{
	uint64_t hash = hash_of(t, login);
	size_t at = place_of(t, hash);
	t->logins[at].hash = hash;
	t->logins[at].when = now;
}

void
told_remove(struct told *t, struct slice login)
{
	uint64_t hash = hash_of(t, login);
	size_t at = place_of(t, hash);
	if (t->logins[at].hash == hash)
		t->logins[at].hash = t->logins[at].when = 0;
}
