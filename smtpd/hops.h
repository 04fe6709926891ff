/* Counts the Received: lines of a message that streams by, however long its header is (RFC 5321 section 6.3). */
#ifndef SMTPD_HOPS_H
#define SMTPD_HOPS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

struct hops {
	size_t   column;  /* bytes of this line so far, without CR */
	size_t   matched; /* of these, how many agree with the name */
	bool     body;    /* the empty line was seen */
	unsigned count;
};

void hops_feed(struct hops *h, struct slice bytes);

#endif
