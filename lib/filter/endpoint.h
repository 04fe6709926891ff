/*
 * Where other people's filters listen, as a setting lists them:
 *
 *     unix:/run/opendkim/opendkim.sock inet:127.0.0.1:11332,default=accept
 *
 * Entries are separated by white space; behind a comma without a space come
 * an entry's options: default=accept|tempfail|reject|quarantine (what becomes
 * of the mail when the filter does not answer) and at=rcpt|data|end (when a
 * policy server is asked). inet takes an IP address, one of IPv6 in brackets,
 * or "localhost": no name is looked up.
 */
#ifndef FILTER_ENDPOINT_H
#define FILTER_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/base/slice.h"

enum filter_default {
	FILTER_TEMPFAIL,
	FILTER_ACCEPT,
	FILTER_REJECT,
	FILTER_QUARANTINE,
};

enum filter_time {
	FILTER_AT_RCPT,
	FILTER_AT_DATA,
	FILTER_AT_END,
};

struct endpoint {
	struct slice            name; /* as it is listed, without options */
	enum filter_default     otherwise;
	enum filter_time        time;
	struct sockaddr_storage address;
	socklen_t               address_len;
};

enum endpoint_result {
	ENDPOINT_OK,
	ENDPOINT_NONE,  /* the list is at its end */
	ENDPOINT_WRONG, /* `name` is what cannot be read */
};

#define ENDPOINT_HINT                                                                                    \
	"write unix:/PATH or inet:ADDRESS:PORT, with ,default=accept|tempfail|reject|quarantine (and ,at=rcpt|data|end)"

/* Takes the next entry from `*rest`; `*e` holds slices of it. */
enum endpoint_result endpoint_next(struct slice *rest, struct endpoint *e);

/* A connected stream socket (close-on-exec), within `timeout` milliseconds; -1 with errno. */
int endpoint_connect(const struct endpoint *e, int timeout);

#endif
