/* Lists of networks in CIDR notation: "127.0.0.0/8 [::1]/128 192.0.2.7", separated by white space or commas. */
#ifndef SMTPD_NETWORKS_H
#define SMTPD_NETWORKS_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/front/peer.h"

enum networks_answer {
	NETWORKS_NO,
	NETWORKS_YES,
	NETWORKS_WRONG, /* the list holds something else than a network; `*entry` is that */
};

/*
 * Is the peer in one of them? The whole list is read in any case, so that a
 * mistake is found on the first connection. Wrong is what inet_pton(3) does not
 * take, a prefix that is too long, bits behind the prefix, and the prefix 0:
 * that would be the whole world.
 */
enum networks_answer networks_hold(struct slice list, const struct peer *p, struct slice *entry);

#endif
