/* Folder patterns of LIST and LSUB: '*' stands for anything, '%' for anything but '.' (RFC 3501 section 6.3.8). */
#ifndef IMAPD_PATTERN_H
#define IMAPD_PATTERN_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define PATTERN_MOST 500 /* bytes */

/* Whether a folder's name matches; INBOX in any case. Time is the product of both lengths at most. */
bool pattern_matches(struct slice pattern, struct slice name);

#endif
