/* What an administrator wants of TLS with other hosts: the settings outgoing_tls and outgoing_tls_policy. */
#ifndef QUEUE_REMOTE_POLICY_H
#define QUEUE_REMOTE_POLICY_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "queue/remote_route.h"

enum tls_policy {
	TLS_NONE,
	TLS_MAY,     /* if the other host offers it, with any certificate; in clear when it fails (RFC 7435) */
	TLS_ENCRYPT, /* always, with any certificate */
	TLS_DANE,    /* as its TLSA records say (RFC 7672); `may` when there are none */
	TLS_VERIFY,  /* with a certificate of the host's name */
	TLS_SECURE,  /* with a certificate of the destination's name: DNS may lie */
};

/* "none", "may" ... */
const char *policy_word(enum tls_policy policy);

struct policy_rules {
	enum tls_policy fallback;
	struct slice    list; /* lines "DESTINATION POLICY [NAME...]" */
};

/* False, logged, when one of the settings' texts is wrong. */
bool policy_read(const char *word, const char *list, struct policy_rules *rules);

struct policy {
	enum tls_policy wanted;
	struct slice    names;  /* that the certificate may bear, with spaces between; empty: as the policy says */
	bool            listed; /* an administrator wrote it for this destination */
};

/* The first line whose destination is this route, or one that it is beneath (".example.org"). */
struct policy policy_find(const struct policy_rules *rules, const struct route *route);

#endif
