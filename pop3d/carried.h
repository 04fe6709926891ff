/*
 * What the conversation before the login has agreed on and the session goes on
 * with: the language, UTF8, and the mechanisms that CAPA lists in both states.
 * It travels as the `command` of the handover: "zh utf8 PLAIN LOGIN".
 */
#ifndef POP3D_CARRIED_H
#define POP3D_CARRIED_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/sasl/login.h"
#include "pop3d/texts.h"

struct carried {
	enum language language;
	bool          utf8;
	char          mechanisms[LOGIN_MECHANISMS_MOST];
};

/* False: no memory. */
bool carried_write(struct str *into, const struct carried *c);
/* What is not understood, or empty, counts as the default: the front is not trusted with more. */
void carried_read(struct carried *c, struct slice text);

#endif
