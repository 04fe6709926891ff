/* Reading a password from a person or a script. */
#ifndef AUTHD_PASSWORD_H
#define AUTHD_PASSWORD_H

#include <stdbool.h>

#include "lib/base/str.h"

#define PASSWORD_MOST 511 /* crypt(3) takes no more */

/* Asks without echo, `twice` when a new one is set. False when there is none or the two differ. */
bool password_from_terminal(struct str *password, bool twice);
/* The first line of standard input, without its line end. */
bool password_from_stdin(struct str *password);

#endif
