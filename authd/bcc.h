/* Who gets a copy of what somebody sends, or is sent: sender_bcc and recipient_bcc. */
#ifndef AUTHD_BCC_H
#define AUTHD_BCC_H

#include "authd/resolve.h"

/* The copy's addresses as fields: of the address with its extension, without it, or of its @domain. VERDICT_NO: none. */
enum verdict resolve_bcc(struct resolution *r, enum map map);

#endif
