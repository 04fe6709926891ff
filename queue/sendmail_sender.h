/* Who sends: what the caller says, or who he is. */
#ifndef QUEUE_SENDMAIL_SENDER_H
#define QUEUE_SENDMAIL_SENDER_H

#include <stdbool.h>

#include "lib/mail/address.h"

/* The address of `said`, with name and comments as in a From field ("<>" or "": the null sender); NULL: the caller's. False: it is none. */
bool sendmail_sender(const char *said, const char *hostname, struct address *sender);
/* The name for a From field: `said`, or the caller's own when he sends as himself; "" when there is none. */
const char *sendmail_full_name(const char *said, const char *sender);

#endif
