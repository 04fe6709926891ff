/* The directories that the key process may read once it is confined. */
#ifndef TLSD_REACH_H
#define TLSD_REACH_H

#include <stdbool.h>

#include "lib/base/program.h"

/*
 * Confines this process to its contract, and to reading the settings
 * directory, the directories of the files of keys.h and of those that they are symbolic links to, as
 * they are now; for certbot's live/ also the archive/ beside it. False, logged.
 */
bool reach_enter(const struct contract *contract);

#endif
