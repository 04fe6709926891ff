/* What a table may name as a Maildir. */
#ifndef AUTHD_MAILDIR_H
#define AUTHD_MAILDIR_H

#include <stdbool.h>

#include "lib/base/slice.h"

/* A path beneath the mail root, by its text: relative, without "." and "..", without control characters. */
bool maildir_is_safe(struct slice maildir);

#endif
