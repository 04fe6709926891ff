/* The processes of sessions: how many there are at a time, how they begin and how they ended. */
#ifndef TLSD_CHILDREN_H
#define TLSD_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/ipc/packet.h"
#include "lib/ipc/server.h"

/* Most sessions at a time (the setting `tls_sessions`). */
extern uint64_t children_most;

/*
 * fork(2) for one session: 0 in the child, which must end itself by _exit(2).
 * -1 when there are too many or the kernel refuses: the peer that asked was then
 * answered `no TAG WHY`, logged.
 */
pid_t children_fork(struct connection *c, const char *tag);

/* The handler of SIGCHLD. The end of `keys`, the key process, ends the program. */
void children_ended(int signal_number);
void children_watch_keys(pid_t keys);

#endif
