/* What the header of a message says about the way that it may go. */
#ifndef QUEUE_REMOTE_HEADER_H
#define QUEUE_REMOTE_HEADER_H

#include "queue/remote_smtp.h"

/* Sets utf8_header (it holds bytes beyond ASCII) and tls_optional ("TLS-Required: No", RFC 8689 section 5). */
void header_look(struct errand *e);

#endif
