#include "queue/manager.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "queue/destination.h"
#include "queue/intake.h"
#include "queue/places.h"

#define FOUND_SPREAD 3000 /* seconds: within the head start of what has just come (places.c) */
#define DRAIN_MOST   10000 /* ms that deliveries under way may still take */
#define INTAKE_MOST  12000 /* ms for the intake to empty its journal; its own patience is shorter (intake_notify.c) */

struct manager manager = {.lookup = {.service = "authd/lookup", .timeout = 30000}};

static struct watch  intake_watch;
static struct timer  drain_timer;
static struct packet in;
static bool          starting;
static struct manager_part serving[MANAGER_PARTS];

void
manager_wait(struct waiting_entry e)
{
	places_notice_clock();
	if (!waiting_add(&manager.waiting, e)) {
		log_error("out-of-memory", log_text("hint", "starting anew, to find all messages on the disk"));
		exit(EXIT_FAILURE);
	}
	/* While starting, the timer is set when that is done. */
	if (!starting && manager.waiting.heap[0].id == e.id)
		places_set_timer();
}

void
manager_wait_until(uint64_t id, uint64_t due)
{
	manager_wait((struct waiting_entry){.id = id, .due = waiting_time(due)});
}

/* --- the intake ----------------------------------------------------------------------------- */

/* The intake names them in no order. */
static int
compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Those that wait are tried now; those at work are tried already. */
static void
hurry_named(void)
{
	static uint64_t ids[INTAKE_IDS_MOST];
	size_t count = 0;
	while (count < INTAKE_IDS_MOST && packet_field_number(&in, UINT64_MAX, &ids[count]))
		count++;
	qsort(ids, count, sizeof *ids, compare_ids);
	size_t hurried = waiting_hurry_these(&manager.waiting, ids, count, (uint64_t)clock_unix());
	destinations_revive();
	places_set_timer();
	log_info("hurry", log_number("messages", (int64_t)hurried));
}

static void
start_named(enum origin origin)
{
	uint64_t id;
	while (packet_field_number(&in, UINT64_MAX, &id))
		places_start_fresh(id, origin);
}

void
manager_answer_offer(uint64_t id, bool ended)
{
	static struct packet answer;
	packet_begin(&answer, ended ? "ended" : "stays");
	packet_add_number(&answer, id);
	/* When the socket is full the intake's patience ends instead. */
	packet_send(intake_watch.fd, &answer);
}

static void
intake_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &in);
	if (r == PACKET_WAIT)
		return;
	const char *verb = r == PACKET_OK ? packet_verb(&in) : "";
	if (strcmp(verb, "committed") == 0) {
		start_named(ORIGIN_COMMITTED);
	} else if (strcmp(verb, "offered") == 0) {
		start_named(ORIGIN_OFFERED);
	} else if (strcmp(verb, "hurry") == 0) {
		hurry_named();
	} else {
		loop_remove(w);
		manager_drain("the intake ended");
		return;
	}
	packet_close_descriptors(&in);
}

/*
 * Whether it is whole, and when it is to be tried, is looked at in its turn: a
 * backlog keeps nobody waiting. In no order, so that what is due is not behind
 * all that is not.
 */
static bool
found(void *context, uint64_t id)
{
	const uint64_t *now = context;
	manager_wait((struct waiting_entry){.id = id, .due = waiting_time(*now - random_number() % FOUND_SPREAD), .found = 1});
	return true;
}

/* --- end ---------------------------------------------------------------------------------------- */

/* Not when their sockets end: a process that exits closes the others after that. */
static bool
parts_gone(void)
{
	bool gone = true;
	for (int i = 0; i < MANAGER_PARTS; i++)
		gone = waitpid(serving[i].pid, NULL, WNOHANG) != 0 && gone;
	return gone;
}

/* When the program is gone nothing of it serves or writes any more: the queue may be copied, moved, repaired. */
static void
end_with_parts(struct timer *t)
{
	static int64_t deadline;
	if (deadline == 0) {
		for (int i = 0; i < MANAGER_PARTS; i++)
			shutdown(serving[i].socket, SHUT_WR);
		deadline = clock_ms() + INTAKE_MOST;
	}
	if (parts_gone() || clock_ms() >= deadline)
		exit(EXIT_SUCCESS);
	timer_set(t, 20);
}

static void
drained(struct timer *t)
{
	static int64_t deadline;
	if (deadline == 0)
		deadline = clock_ms() + DRAIN_MOST;
	if (local_busy() + outward_busy() == 0 || clock_ms() >= deadline)
		t->fire = end_with_parts;
	timer_set(t, t->fire == drained ? 20 : 0);
}

void
manager_drain(const char *why)
{
	if (manager.draining)
		return;
	log_info("ending", log_text("reason", why));
	manager.draining = true;
	drain_timer.fire = drained;
	timer_set(&drain_timer, 0);
}

static void
on_signal(int number)
{
	manager_drain(strsignal(number));
}

/* --- start -------------------------------------------------------------------------------------- */

void
manager_run(const struct manager_part parts[MANAGER_PARTS], int spawner)
{
	starting = true;
	int intake = parts[0].socket;
	memcpy(serving, parts, sizeof serving);
	hold_prepare();
	outward_begin();
	uint64_t now = (uint64_t)clock_unix();
	if (!queue_directory_scan(&manager.directory, found, &now)) {
		log_error("queue-not-scanned", log_errno());
		return;
	}
	starting = false;
	log_info("started", log_number("found", (int64_t)manager.waiting.count));
	places_begin();
	intake_watch = (struct watch){.fd = intake, .ready = intake_ready};
	packet_begin(&manager.out, "go");
	/* Once the intake serves, an end is one that waits for it. */
	if (!local_begin(spawner) || !loop_add(&intake_watch, EPOLLIN) || !loop_signal(SIGTERM, on_signal) ||
	    !loop_signal(SIGINT, on_signal) || packet_send_wait(intake, &manager.out, 1000) != PACKET_OK) {
		log_error("not-started", log_errno());
		return;
	}
	places_set_timer();
	loop_run();
}
