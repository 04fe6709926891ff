/*
 * How many deliveries to one destination may be under way: few at first, more
 * while they succeed, fewer when the host fails, none for a time when it has
 * failed several times in a row. Pure: times are given.
 */
#ifndef QUEUE_WINDOW_H
#define QUEUE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window_rules {
	unsigned first;    /* at a time, in the beginning */
	unsigned most;     /* and at most */
	unsigned failures; /* in a row, after which the destination is dead */
	int64_t  pause;    /* milliseconds that it is dead for */
};

struct window {
	unsigned limit;
	unsigned successes;  /* since the limit was changed */
	unsigned failures;   /* in a row */
	bool     dead;
	int64_t  dead_until; /* milliseconds; then one delivery is the probe */
};

void window_begin(struct window *w, const struct window_rules *rules);
/* How many may be under way at `now`: 0 while it is dead, 1 when that time is over and a probe is due. */
unsigned window_limit(const struct window *w, int64_t now);
/* A session with the host took place, whatever it said of the recipients. A dead one lives again. */
void window_success(struct window *w, const struct window_rules *rules);
/* The host could not be reached, or the session failed. True: it is dead from now on. */
bool window_failure(struct window *w, const struct window_rules *rules, int64_t now);
/* Nothing would be lost if it were forgotten. */
bool window_is_new(const struct window *w, const struct window_rules *rules);

#endif
