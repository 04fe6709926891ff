/* A setuid program's first steps: who calls, and forgetting what he left. */
#ifndef DELIVER_CALLER_H
#define DELIVER_CALLER_H

#include <stdbool.h>

/*
 * Forgets the caller's environment (when he is somebody else), descriptors
 * above 2, umask, signal handling, timers and directory. Call first.
 */
void caller_forget(void);
/*
 * True when the real user is one of the suite that may start deliver, or of the
 * administrator's list (names with spaces or commas between), or it is not setuid; else logged.
 */
bool caller_allowed(const char *others);
/* Becomes the effective user for good, so that the caller can neither signal nor trace this process. False, logged. */
bool caller_leave(void);

#endif
