/* When a message that could not be delivered is tried again. */
#ifndef QUEUE_RETRY_H
#define QUEUE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds to wait after the attempt number `tries` (1: the first): `first`, doubled each time, at most `most`. */
uint64_t retry_wait(unsigned tries, uint64_t first, uint64_t most);
/* The same less up to an eighth of it, by `chance`, so that what failed together is not tried together. */
uint64_t retry_spread(uint64_t wait, uint64_t chance);
#define RETRY_TRIES_MOST 9999 /* what the queue file can count */

/* The waits after so many attempts make more than a life: for a message whose time does not begin with its arrival. */
bool     retry_is_spent(unsigned tries, uint64_t first, uint64_t most, uint64_t life);
/* A message that arrived then (seconds) has been waiting longer than its life. A clock that went back makes none old. */
bool     retry_is_over(uint64_t arrival, uint64_t now, uint64_t life);

#endif
