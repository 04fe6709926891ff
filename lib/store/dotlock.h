/*
 * Dovecot's dotlock: a file NAME.lock, made with O_EXCL, holding "PID:HOST",
 * so that Dovecot and Postern keep out of each other's way. Ours ends its line
 * with a LF (Dovecot writes none, and reads both) and is held under flock(2)
 * as well: one that says it is ours and of this host and can be flocked belongs
 * to a process that is gone, and is taken over at once. Another program's or
 * another host's is stale after a minute. The store's own.
 */
#ifndef STORE_DOTLOCK_H
#define STORE_DOTLOCK_H

#include <stdbool.h>

struct dotlock {
	int         directory;
	int         fd;   /* -1: not held */
	const char *name; /* a literal: "dovecot-uidlist.lock" */
};

/* Waits at most `timeout` milliseconds. False with errno (ETIMEDOUT). */
bool dotlock_take(struct dotlock *l, int directory, const char *name, int timeout);
/* Keeps errno. */
void dotlock_release(struct dotlock *l);

#endif
