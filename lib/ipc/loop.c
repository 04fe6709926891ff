#include "lib/ipc/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/program.h"

#define BATCH        64
#define SIGNALS_MOST 8

static struct {
	int                epoll;
	bool               running;
	struct epoll_event batch[BATCH]; /* being dispatched */
	int                batch_count;
	struct timer     **heap; /* heap[1] is due first */
	size_t             heap_count, heap_room;
	sigset_t           signals;
	struct watch       signal_watch;
	struct {
		int  number;
		void (*handler)(int);
	} handlers[SIGNALS_MOST];
	size_t handler_count;
} loop = {.epoll = -1, .signal_watch = {.fd = -1}};

bool
loop_begin(void)
{
	if (loop.epoll >= 0)
		close(loop.epoll);
	if (loop.signal_watch.fd >= 0)
		close(loop.signal_watch.fd);
	loop.signal_watch.fd = -1;
	loop.batch_count = 0;
	loop.heap_count = 0;
	loop.handler_count = 0;
	sigprocmask(SIG_UNBLOCK, &loop.signals, NULL);
	sigemptyset(&loop.signals);
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop.epoll >= 0;
}

static bool
control(int operation, struct watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};
	return epoll_ctl(loop.epoll, operation, w->fd, &e) == 0;
}

bool
loop_add(struct watch *w, uint32_t events)
{
	return control(EPOLL_CTL_ADD, w, events);
}

bool
loop_change(struct watch *w, uint32_t events)
{
	return control(EPOLL_CTL_MOD, w, events);
}

void
loop_remove(struct watch *w)
{
	control(EPOLL_CTL_DEL, w, 0);
	for (int i = 0; i < loop.batch_count; i++)
		if (loop.batch[i].data.ptr == w)
			loop.batch[i].data.ptr = NULL;
}

/* --- timers: a binary heap ------------------------------------------------ */

static void
put(size_t place, struct timer *t)
{
	loop.heap[place] = t;
	t->place = place;
}

static void
move_up(size_t place)
{
	struct timer *t = loop.heap[place];
	while (place > 1 && loop.heap[place / 2]->due > t->due) {
		put(place, loop.heap[place / 2]);
		place /= 2;
	}
	put(place, t);
}

static void
move_down(size_t place)
{
	struct timer *t = loop.heap[place];
	for (;;) {
		size_t child = place * 2;
		if (child > loop.heap_count)
			break;
		if (child < loop.heap_count && loop.heap[child + 1]->due < loop.heap[child]->due)
			child++;
		if (loop.heap[child]->due >= t->due)
			break;
		put(place, loop.heap[child]);
		place = child;
	}
	put(place, t);
}

static bool
heap_reserve(void)
{
	if (loop.heap_count + 1 < loop.heap_room)
		return true;
	size_t room = loop.heap_room == 0 ? 64 : loop.heap_room * 2;
	struct timer **heap = reallocarray(loop.heap, room, sizeof *heap);
	if (heap == NULL)
		return false;
	loop.heap = heap;
	loop.heap_room = room;
	return true;
}

bool
timer_set(struct timer *t, int64_t after)
{
	timer_cancel(t);
	if (!heap_reserve())
		return false;
	t->due = clock_ms() + after;
	put(++loop.heap_count, t);
	move_up(loop.heap_count);
	return true;
}

void
timer_cancel(struct timer *t)
{
	size_t place = t->place;
	if (place == 0)
		return;
	t->place = 0;
	struct timer *last = loop.heap[loop.heap_count--];
	if (last == t)
		return;
	put(place, last);
	move_up(place);
	move_down(last->place);
}

static void
fire_due_timers(void)
{
	int64_t now = clock_ms();
	while (loop.heap_count > 0 && loop.heap[1]->due <= now) {
		struct timer *t = loop.heap[1];
		timer_cancel(t);
		t->fire(t);
	}
}

/* --- signals ---------------------------------------------------------------- */

static void
signal_ready(struct watch *w, uint32_t events)
{
	(void)events;
	struct signalfd_siginfo info;
	while (read(w->fd, &info, sizeof info) == (ssize_t)sizeof info)
		for (size_t i = 0; i < loop.handler_count; i++)
			if (loop.handlers[i].number == (int)info.ssi_signo)
				loop.handlers[i].handler((int)info.ssi_signo);
}

bool
loop_signal(int signal_number, void (*handler)(int))
{
	if (loop.handler_count == SIGNALS_MOST)
		return false;
	sigaddset(&loop.signals, signal_number);
	if (sigprocmask(SIG_BLOCK, &loop.signals, NULL) < 0)
		return false;
	bool first = loop.signal_watch.fd < 0;
	int fd = signalfd(loop.signal_watch.fd, &loop.signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return false;
	loop.signal_watch.fd = fd;
	loop.signal_watch.ready = signal_ready;
	loop.handlers[loop.handler_count].number = signal_number;
	loop.handlers[loop.handler_count++].handler = handler;
	return !first || loop_add(&loop.signal_watch, EPOLLIN);
}

/* --- the loop --------------------------------------------------------------- */

void
loop_run(void)
{
	loop.running = true;
	while (loop.running) {
		int timeout = loop.heap_count > 0 ? clock_poll_timeout(loop.heap[1]->due) : -1;
		int n = epoll_wait(loop.epoll, loop.batch, BATCH, timeout);
		if (n < 0 && errno != EINTR) {
			log_error("event-loop-failed", log_errno());
			exit(EXIT_TEMPORARY);
		}
		loop.batch_count = n > 0 ? n : 0;
		for (int i = 0; i < loop.batch_count && loop.running; i++) {
			struct watch *w = loop.batch[i].data.ptr;
			if (w != NULL)
				w->ready(w, loop.batch[i].events);
		}
		loop.batch_count = 0;
		fire_due_timers();
	}
}

void
loop_stop(void)
{
	loop.running = false;
}
