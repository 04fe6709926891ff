/* The three protocols of other people's programs, each a service whose sockets the main file opens. */
#ifndef AUTHD_PROXY_PROTOCOLS_H
#define AUTHD_PROXY_PROTOCOLS_H

#include <sys/types.h>

#include "authd/proxy_stream.h"

/* Dovecot's authentication protocol 1.x, the client's side of it: Postfix, Exim. */
extern struct stream_service proxy_dovecot;
/* authdaemond of courier-authlib: Courier, maildrop, ExtMail, Cyrus SASL with pwcheck_method authdaemond. */
extern struct stream_service proxy_courier;
/* saslauthd of Cyrus SASL. */
extern struct stream_service proxy_saslauthd;

/* What authdaemond says of a mailbox besides what authd knows. To be set before proxy_courier is started. */
struct courier_homes {
	const char *mail_root;
	uid_t       uid;
	gid_t       gid;
};
extern struct courier_homes proxy_courier_homes;

#endif
