/* An errand from the transport to the outcomes: which hosts, in which order, one after the other. */
#ifndef QUEUE_REMOTE_SEND_H
#define QUEUE_REMOTE_SEND_H

#include "lib/dns/dns.h"
#include "queue/remote_connect.h"
#include "queue/remote_smtp.h"

struct remote_settings {
	struct smtp_settings    smtp;
	struct dns              dns;
	struct policy_rules     tls;
	struct connect_settings connect;
	const char             *hostname; /* an MX of this name is ourselves */
	bool                    mta_sts;  /* ask postern-stsd for the destination's policy */
	uint64_t                hosts_most, connections_most; /* for one errand */
};

/* Every recipient has its outcome after it. */
void remote_send(const struct remote_settings *settings, struct slice transport, struct errand *e);

#endif
