/* The notice to the postmaster that the mail of a login is held: who, what, and what to do. */
#ifndef QUEUE_NOTICE_H
#define QUEUE_NOTICE_H

#include <stdbool.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "queue/file.h"

#define NOTICE_MOST 16384

/* Appends the whole message, with CRLF, about `f`, which is held. False when there is no memory. */
bool notice_compose(struct str *into, const struct queue_file *f, struct slice to, const char *hostname);

#endif
