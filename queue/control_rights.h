/* Who may look at the queue, and who may steer it: what the kernel says of a connection (SO_PEERCRED) decides. */
#ifndef QUEUE_CONTROL_RIGHTS_H
#define QUEUE_CONTROL_RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "queue/settings.h"

/*
 * Reads the settings queue_list and queue_admins; before the confinement,
 * because it looks users up. False, logged: a value is wrong.
 */
bool control_rights_begin(const struct queue_settings *settings);
/* root, the users of queue_admins, and with one_identity the user who runs everything. */
bool control_may_steer(uid_t uid);
/* The same, or everybody. */
bool control_may_list(uid_t uid);

#endif
