#include "sts/checks.h"

#include "lib/base/clock.h"
#include "lib/base/siphash.h"

#define CHECKS 8192

static struct siphash_key key;

static struct check {
	uint64_t domain; /* its hash */
	int64_t  until;  /* of clock_ms() */
} checks[CHECKS];

void
checks_begin(void)
{
	key = siphash_key_new();
}

void
checks_add(const char *domain, uint64_t seconds)
{
	uint64_t hash = siphash(&key, slice_of(domain));
	checks[hash % CHECKS] = (struct check){.domain = hash, .until = clock_ms() + (int64_t)seconds * 1000};
}

bool
checks_has(const char *domain)
{
	uint64_t hash = siphash(&key, slice_of(domain));
	const struct check *c = &checks[hash % CHECKS];
	return c->domain == hash && clock_ms() < c->until;
}
