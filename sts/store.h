/* The cache as a whole: how much is kept, and what becomes of it in time. */
#ifndef STS_STORE_H
#define STS_STORE_H

#include <dirent.h>

#include "sts/cache.h"

struct store {
	int      directory; /* of the cache, open */
	uint64_t most;      /* files */
	uint64_t refresh;   /* seconds: see cached_is_old() */
	uint64_t kept;      /* files that there are */
	DIR     *sweep;     /* where it stands */
};

void store_begin(struct store *s, int directory, uint64_t most, uint64_t refresh);

/* Keeps a policy. False, logged: it could not be written, or there are too many; then it is fetched again at the next question. */
bool store_keep(struct store *s, const char *domain, struct slice id, struct slice policy);

/* Looks at some files, at others the next time: what has ended is removed, and `old` is called with what is old. */
void store_sweep(struct store *s, void (*old)(const char *domain, const struct cached *c));

#endif
