/*
 * An event loop on epoll: descriptors, timers, signals. One per process. A
 * callback may remove any watch or timer, its own too.
 */
#ifndef IPC_LOOP_H
#define IPC_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Belongs to the caller, often as the first member of a larger struct; must stay in place while it is watched. */
struct watch {
	int  fd;
	void (*ready)(struct watch *w, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP ... */
};

struct timer {
	int64_t due;    /* milliseconds of clock_ms() */
	size_t  place;  /* in the heap, 1-based; 0: not set */
	void  (*fire)(struct timer *t);
};

/* Makes the loop of this process; false with errno. After a fork the child calls it again (the parent's is closed). */
bool loop_begin(void);

bool loop_add(struct watch *w, uint32_t events); /* EPOLLIN and so on, level-triggered; false with errno */
bool loop_change(struct watch *w, uint32_t events);
void loop_remove(struct watch *w); /* does not close the descriptor */

/* Sets or moves a timer to `after` milliseconds from now. False when there is no memory. */
bool timer_set(struct timer *t, int64_t after);
void timer_cancel(struct timer *t);

/* Handles a signal in the loop (it is blocked and read by signalfd). At most 8 signals. */
bool loop_signal(int signal_number, void (*handler)(int signal_number));

/* Runs until loop_stop(). */
void loop_run(void);
void loop_stop(void);

#endif
