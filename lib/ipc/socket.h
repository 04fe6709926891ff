/*
 * The suite's Unix sockets. Their names are beneath the run directory:
 * "authd/lookup" is /run/postern/authd/lookup. Each program's directory there
 * belongs to its user and is made by the service's start script.
 */
#ifndef IPC_SOCKET_H
#define IPC_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/settings.h"

/* Where the sockets are; set by the setting below, which each program's table holds first. */
extern const char *socket_run_directory;
/* "yes" when the whole suite runs as one user without root (the demo does): peers are then that user. */
extern bool socket_one_identity;

#define SOCKET_SETTINGS                                                                                  \
	{"run_directory", SETTING_TEXT, "/run/postern", "where the suite's sockets are",                 \
	    &socket_run_directory, 0, 0},                                                                \
	{"one_identity", SETTING_FLAG, "no", "all programs run as one user (no privilege separation)",   \
	    &socket_one_identity, 0, 0}

/* Makes a SEQPACKET socket and listens (close-on-exec, non-blocking). Replaces a socket left from before. -1, logged. */
int socket_listen(const char *name);

/*
 * Connects (close-on-exec). While nobody listens it tries again for `patience`
 * milliseconds, so that a service that is being restarted is not an error.
 * -1 with errno.
 */
int socket_connect(const char *name, int patience);

/* A connected pair (close-on-exec). False with errno. */
bool socket_pair(int fds[2]);

/* Who may connect: user ids. */
#define PEERS_MOST 16
struct peers {
	bool   everybody; /* any user of this machine */
	size_t count;
	uid_t  uids[PEERS_MOST];
};

/* Adds a user by name. A user that does not exist is left out. root is always allowed: it could become any of them. */
void peers_add(struct peers *p, const char *user);
/* Asks the kernel who made the connection (SO_PEERCRED) and whether he may. Logs a refusal. */
bool peers_allow(const struct peers *p, int connection, const char *socket_name);

#endif
