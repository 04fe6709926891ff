/* Lists of networks in CIDR notation: "127.0.0.0/8 [::1]/128 192.0.2.7", separated by white space or commas. */
#ifndef BASE_NETWORKS_H
#define BASE_NETWORKS_H

#include "lib/base/ip.h"
#include "lib/base/slice.h"

enum networks_answer {
	NETWORKS_NO,
	NETWORKS_YES,
	NETWORKS_WRONG, /* the list holds something else than a network; `*entry` is that */
};

/* For the log, when an administrator's list is wrong. */
#define NETWORKS_HINT "write networks like 192.0.2.0/24 or [2001:db8::]/32, without bits behind the prefix"

/*
 * Is the address in one of them? One that is not known is in none. The whole
 * list is read in any case, so that a mistake is found on the first connection.
 * Wrong is what inet_pton(3) does not take, a prefix that is too long, bits
 * behind the prefix, and the prefix 0: that would be the whole world.
 */
enum networks_answer networks_hold(struct slice list, const struct ip *ip, struct slice *entry);

/*
 * The same for a list in the form of Dovecot's allow_nets, as tables hold it:
 * bits behind the prefix do not count ("127.0.0.1/8"), the prefix 0 is every
 * address of its family, and "local" is who came without an IP address (by a
 * Unix socket). An empty list holds nobody.
 */
enum networks_answer networks_allow(struct slice list, const struct ip *ip, struct slice *entry);

#endif
