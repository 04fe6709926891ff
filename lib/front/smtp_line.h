/* A command line of SMTP or LMTP (RFC 5321 sections 2.3.8 and 4.5.3.1.4). */
#ifndef FRONT_SMTP_LINE_H
#define FRONT_SMTP_LINE_H

#include "lib/base/slice.h"
#include "lib/base/stream.h"

/*
 * Reads one and takes its CRLF off. `*problem` is NULL, or what is wrong with it
 * (the text of a 500 5.5.2; there is no line then but as it stands, or its beginning, and the next may be read):
 * longer than `most`, ended by a bare LF, a CR or NUL within. All but INPUT_OK:
 * nothing more can be read; INPUT_TOO_LONG is a line that has no end in sight.
 */
enum input_result smtp_line_read(struct input *in, size_t most, struct slice *line, const char **problem);

#endif
