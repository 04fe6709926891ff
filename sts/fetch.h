/*
 * The workers of postern-stsd: they ask DNS and fetch policies (RFC 8461
 * section 3). A job is `fetch DOMAIN ID` (ID: of the policy that is known; "":
 * fetch in any case), its answer one of
 *
 *     none          the domain has no record, or several
 *     same          the record has that id
 *     policy ID     and the policy as raw bytes behind it
 *     failed WHY
 */
#ifndef STS_FETCH_H
#define STS_FETCH_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/dns/dns.h"

struct fetcher {
	struct dns   dns;
	struct slice authorities; /* PEM: the CAs that vouch for policy hosts */
	int          timeout;     /* ms for one policy */
};

/* Once, before the confinement: the libraries read their own files. Reads the CAs. False, logged. */
bool fetch_prepare(struct fetcher *f, const char *ca_file);

/* Serves jobs on `socket`; `context` is a struct fetcher. */
void fetch_work(int socket, void *context);

#endif
