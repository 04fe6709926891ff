/*
 * Logins at authd on behalf of other people's programs, on the event loop.
 * Each has a conversation of its own on authd/login, because authd counts
 * failures and sessions by the client's address, which differs from login to
 * login; it ends with the login. LOGINS_MOST at a time, more are refused.
 *
 * An authd that is being restarted is waited for a moment. Whatever is not a
 * clear answer is LOGIN_LATER.
 */
#ifndef AUTHD_PROXY_LOGIN_H
#define AUTHD_PROXY_LOGIN_H

#include <stdbool.h>

#include "authd/proxy_client.h"
#include "lib/base/slice.h"
#include "lib/sasl/login.h"

#define LOGINS_MOST        512
#define LOGIN_TURN_MOST    150000 /* ms that a client may think about a challenge; Dovecot's bound for a request */

struct proxy_login;

/*
 * Called once for each step, later, never within the call that began it.
 * LOGIN_OK: `text` is the login name (of mechanisms: their names). LOGIN_MORE:
 * it is the challenge in base64. Else it says why, for the log. After anything
 * but LOGIN_MORE the login is gone.
 */
typedef void login_handler(void *context, enum login_result result, const char *text);

/* These three return NULL when too many logins are under way or a name holds a NUL; the handler is then not called. */
struct proxy_login *proxy_login_mechanisms(login_handler *handler, void *context);
/* `initial` in base64, data NULL when there was none ("=" for an empty one). */
struct proxy_login *proxy_login_auth(const struct proxy_client *who, struct slice mechanism, struct slice initial,
    login_handler *handler, void *context);
/* LOGIN_MORE never comes of a password. */
struct proxy_login *proxy_login_password(const struct proxy_client *who, struct slice user, struct slice password,
    login_handler *handler, void *context);

/* The client's answer (base64) to a challenge. False: it is not its turn. */
bool proxy_login_more(struct proxy_login *l, struct slice response);
/* Gives it up, in any state; the handler is not called any more. */
void proxy_login_end(struct proxy_login *l);

#endif
