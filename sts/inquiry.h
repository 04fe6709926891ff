/*
 * Who asks for a policy gets it from the cache; what is not there, or was not
 * looked at for a while, is looked up by a worker (fetch.h). One question at a
 * time on a connection; many that want one domain wait for one job.
 */
#ifndef STS_INQUIRY_H
#define STS_INQUIRY_H

#include <stdint.h>

#include "lib/ipc/pool.h"
#include "lib/ipc/server.h"

struct inquiry_settings {
	int      directory;   /* of the cache, open */
	uint64_t check;       /* seconds between two looks at a domain's record, and after a failure */
	uint64_t refresh;     /* age at which a policy is fetched anew (earlier when it lives less than twice that) */
	uint64_t most;        /* policies that are kept */
	struct pool *pool;
};

/* Begins to serve and to look after the cache. False, logged. */
bool inquiry_start(const struct inquiry_settings *settings, struct service *service);

#endif
