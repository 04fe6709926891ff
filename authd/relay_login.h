/* Name and password for a relay host, from the file of the setting relay_passwords. */
#ifndef AUTHD_RELAY_LOGIN_H
#define AUTHD_RELAY_LOGIN_H

#include "authd/resolve.h"

/*
 * The parts are the sender's, the login is the next hop. Fields: user, password.
 * The sender's own login is given for the host alone that takes his mail
 * (sender_relay_hosts, or else relay_host), never for one that he writes to.
 */
enum verdict resolve_relay_login(struct resolution *r);

#endif
