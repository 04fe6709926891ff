/* The answer to CAPA (RFC 2449 section 5), before the login and after it. */
#ifndef POP3D_CAPABILITIES_H
#define POP3D_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/settings.h"
#include "lib/base/stream.h"

#define EXPIRE_SETTING(value) \
	{"pop3_expire", SETTING_TEXT, "NEVER", "days that mail stays at least, as CAPA tells; NEVER: it is not removed", &(value), 0, 0}
#define LOGIN_DELAY_SETTING(value) \
	{"pop3_login_delay", SETTING_SECONDS, "0", "least time from a user's POP3 login to his next", &(value), 0, 86400}

struct capabilities {
	bool        stls;        /* offered now; before the login only (RFC 2595 section 4) */
	bool        passwords;   /* USER and SASL: may, or might be, used on this line */
	const char *mechanisms;  /* of SASL; "": none */
	uint64_t    login_delay; /* seconds; 0: none */
	const char *expire;      /* "NEVER" or days */
};

/* False, logged: not what EXPIRE can say (RFC 2449 section 6.7). */
bool expire_is_valid(const char *expire);

/* The lines with the dot behind them; "+OK" is the caller's. */
void capabilities_write(struct output *out, const struct capabilities *c);

#endif
