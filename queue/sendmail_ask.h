/* What sendmail asks of authd, as far as its caller may: -bv and newaliases. Both return an exit code of sysexits. */
#ifndef QUEUE_SENDMAIL_ASK_H
#define QUEUE_SENDMAIL_ASK_H

#include "queue/sendmail_header.h"

/* Prints for each address what becomes of its mail. */
int sendmail_verify(const struct recipients *r);
/* Says that aliases are picked up by themselves, after a look at their file and at authd. */
int sendmail_aliases(const char *file, const char *hostname);

#endif
