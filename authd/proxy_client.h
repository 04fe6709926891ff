/* Who logs in, as another program says it: what authd is told in hello. */
#ifndef AUTHD_PROXY_CLIENT_H
#define AUTHD_PROXY_CLIENT_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define LOGIN_SERVICE_MOST 15 /* as authd has it */
#define LOGIN_ADDRESS_MOST 63

struct proxy_client {
	char service[LOGIN_SERVICE_MOST + 1]; /* "smtp" */
	char address[LOGIN_ADDRESS_MOST + 1]; /* "192.0.2.1" */
	bool encrypted;                       /* the client's line, or a program that sees to that itself */
};

/* An empty name becomes "smtp". False: no name of a service. */
bool proxy_client_service(struct proxy_client *who, struct slice name);
/* An empty address becomes 127.0.0.1; ::ffff:192.0.2.1 becomes 192.0.2.1. False: no IPv4 or IPv6 address. */
bool proxy_client_address(struct proxy_client *who, struct slice address);

#endif
