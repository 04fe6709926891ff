/* Landlock: which files the process may still open. landlock(7). */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/sandbox/sandbox.h"

/* Needs no_new_privs. True also on a kernel without Landlock (said in the log); false with errno. */
bool landlock_enter(const struct contract *c, const struct sandbox_path *paths, size_t count);

#endif
