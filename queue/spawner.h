/*
 * The spawner: a child of postern-queued that starts deliver workers and does
 * nothing else. It is apart because postern-deliver is setuid: a process with
 * no_new_privs, as all confined ones are, cannot start it. It reads nothing but
 * "spawn" from the manager, so there is nothing in it to attack.
 */
#ifndef QUEUE_SPAWNER_H
#define QUEUE_SPAWNER_H

/* Runs until the manager's end of `manager` is closed. */
_Noreturn void spawner_run(int manager);

#endif
