/* seccomp: which system calls the process may still make. */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <stdbool.h>

/* Installs a filter that allows the call groups (enum call_group) and kills the process at any other call. Needs no_new_privs. False with errno. */
bool seccomp_enter(unsigned groups);

#endif
