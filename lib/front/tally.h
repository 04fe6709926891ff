/*
 * How a session, which can reach no socket, has authd learn what its mailbox
 * holds: all sessions of a daemon write to one socket that the daemon reads. The
 * kernel says which process wrote (SCM_CREDENTIALS); its first word is whose
 * mailbox it has, said before it reads a byte of its client, and from then on
 * it can speak of no other.
 *
 *     user NAME            once
 *     usage BYTES MESSAGES
 *
 * Nothing is answered or waited for: a word that finds no room is lost, and the
 * next one says more.
 */
#ifndef FRONT_TALLY_H
#define FRONT_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/ipc/packet.h"

#define TALLY_USER_MOST 320

struct tally {
	int reading, writing; /* -1: none */
};

/* False with errno. */
bool tally_open(struct tally *t);

/* A session's side. */
void tally_user(int writing, const char *user);
void tally_usage(int writing, uint64_t bytes, uint64_t messages);

/* The daemon's: the next word and who wrote it. False: there is none now. */
bool tally_next(const struct tally *t, pid_t *pid, struct packet *p);

#endif
