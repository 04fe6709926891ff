/* A message that comes through a pipe, put into a file without a name beneath the mail root: a script may send it several ways. */
#ifndef DELIVER_STORED_STREAM_H
#define DELIVER_STORED_STREAM_H

#include "deliver/source.h"

/* Reads `fd` to its end. A descriptor of the file, or -1 with errno. */
int stored_stream(struct source *s, int mail_root, int fd);

#endif
