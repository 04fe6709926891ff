/* What a destination asks for by MTA-STS (RFC 8461), as postern-stsd knows it. */
#ifndef QUEUE_REMOTE_STS_H
#define QUEUE_REMOTE_STS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/outcome.h"

#define STS_PATTERNS_MOST 256

struct sts {
	bool        enforced; /* mode enforce */
	bool        testing;  /* mode testing: what it asks for is looked at and told, no more */
	size_t      count;
	const char *patterns[STS_PATTERNS_MOST]; /* valid until the next sts_find() */
};

/* The policy of a domain; none: neither mode. False, with the trouble, when that is not known now: an enforced one must not be passed over. */
bool sts_find(const char *domain, struct sts *s, struct outcome *trouble);
/* Section 4.1: "*" stands for one label, the first. */
bool sts_lists(const struct sts *s, const char *host);

#endif
