/*
 * The spawner: a child of postern-queued, and of postern-lmtp, that starts
 * deliver workers and does nothing else. It is apart because postern-deliver is
 * setuid: a process with no_new_privs, as all confined ones are, cannot start
 * it. It reads nothing but "spawn" from its parent, and answers "ok" with a
 * worker's socket or "later WHY", so there is nothing in it to attack.
 */
#ifndef IPC_SPAWNER_H
#define IPC_SPAWNER_H

/* Makes it, before the confinement and before anything is open that workers must not have. Our end of its socket, or -1 with errno. */
int spawner_start(void);
/* Is it: runs until the other end of `parent` is closed. */
_Noreturn void spawner_run(int parent);

#endif
