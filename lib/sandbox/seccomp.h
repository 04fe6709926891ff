/* seccomp: which system calls the process may still make. */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <stdbool.h>

/*
 * Installs a filter that allows the call groups (enum call_group) and kills
 * the process at any other call. `inherited`: the groups of a filter that the
 * process has already, of its parent; 0 when it has none. Needs no_new_privs.
 * False with errno.
 */
bool seccomp_enter(unsigned groups, unsigned inherited);

/*
 * Calls `each` for every rule of these groups in the order of the table: the
 * call's number, when the rule holds ("" always), and the error that the call
 * fails with (0: it is allowed). What has no rule kills. For people (make audit).
 */
void seccomp_each(unsigned groups, void (*each)(int number, const char *condition, int error));

#endif
