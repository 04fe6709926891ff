/* postern-tlsd --check: what the files of the settings hold, for an administrator and for `postern check`. */
#ifndef TLSD_CHECK_H
#define TLSD_CHECK_H

#include <stdbool.h>

/*
 * Reads the files as the key process does, as `user` when root asks (what root may
 * read tells nothing), and prints each certificate with its state: in JSON or for people. Ends
 * with 0, or with EXIT_MISUSE when one is not fit or has expired.
 */
_Noreturn void check_run(const char *user, bool json);

#endif
