#include "lib/ipc/pool.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/socket.h"

#define RESTART_EVERY 1000 /* ms between attempts to replace a worker that died */

struct pool_worker {
	struct watch  watch; /* fd -1: not running */
	struct pool  *pool;
	pid_t         pid;
	bool          busy;
	pool_handler *done;
	void         *context;
	struct timer  limit;
};

/* A job in the line: the packet's bytes follow. */
struct pool_job {
	struct pool_job *next;
	pool_handler    *done;
	void            *context;
	size_t           len;
	char             data[];
};

static struct packet answer;

static void give_waiting_job(struct pool_worker *w);

static bool
is_kept(const struct pool *pool, int socket, unsigned fd)
{
	if (fd <= STDERR_FILENO || fd == (unsigned)socket)
		return true;
	for (size_t i = 0; i < POOL_KEEP && pool->keep[i] > 0; i++)
		if (fd == (unsigned)pool->keep[i])
			return true;
	return false;
}

/* A worker sees no descriptor of the parent but those named: not other workers' sockets, not other peers. */
static void
close_others(const struct pool *pool, int socket)
{
	unsigned highest = (unsigned)socket;
	for (size_t i = 0; i < POOL_KEEP && pool->keep[i] > 0; i++)
		if ((unsigned)pool->keep[i] > highest)
			highest = (unsigned)pool->keep[i];
	for (unsigned fd = 0; fd <= highest; fd++)
		if (!is_kept(pool, socket, fd))
			close((int)fd);
	syscall(SYS_close_range, highest + 1, ~0U, 0);
}

static void
run_worker(struct pool *pool, int socket, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	close_others(pool, socket);
	/* Signals that the parent blocked for its loop are the defaults again. */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	pool->work(socket, pool->context);
	_exit(0);
}

static void worker_ready(struct watch *watch, uint32_t events);
static void worker_too_slow(struct timer *t);

static bool
start_worker(struct pool *pool, struct pool_worker *w)
{
	int pair[2];
	if (!socket_pair(pair))
		return false;
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		run_worker(pool, pair[1], parent);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return false;
	}
	*w = (struct pool_worker){.pool = pool, .pid = pid, .limit.fire = worker_too_slow};
	w->watch = (struct watch){.fd = pair[0], .ready = worker_ready};
	return loop_add(&w->watch, EPOLLIN);
}

/* One that may not be killed is left to find its socket closed. */
static void
reap_left(struct pool *pool)
{
	for (size_t i = 0; i < POOL_LEFT; i++)
		if (pool->left[i] > 0 && waitpid(pool->left[i], NULL, WNOHANG) != 0)
			pool->left[i] = 0;
}

static void
leave(struct pool *pool, pid_t pid)
{
	log_warning("worker-not-ended", log_text("pool", pool->name), log_number("pid", pid), log_errno());
	reap_left(pool);
	for (size_t i = 0; i < POOL_LEFT; i++) {
		if (pool->left[i] > 0)
			continue;
		pool->left[i] = pid;
		return;
	}
}

/*
 * Landlock's scope forbids a confined process to signal one that was forked
 * before it confined itself. To wait for such a one would stop the loop.
 */
static void
end_worker(struct pool *pool, pid_t pid)
{
	if (kill(pid, SIGKILL) < 0 && errno == EPERM && waitpid(pid, NULL, WNOHANG) == 0) {
		leave(pool, pid);
		return;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void
restart_workers(struct timer *t)
{
	struct pool *pool = (struct pool *)((char *)t - offsetof(struct pool, restart));
	reap_left(pool);
	for (size_t i = 0; i < pool->workers; i++) {
		struct pool_worker *w = &pool->members[i];
		if (w->watch.fd >= 0)
			continue;
		if (start_worker(pool, w)) {
			give_waiting_job(w);
			continue;
		}
		log_error("worker-not-started", log_text("pool", pool->name), log_errno());
		timer_set(&pool->restart, RESTART_EVERY);
		return;
	}
}

/* The worker is of no use any more: end it, tell whose job it had, have it replaced. */
static void
lose_worker(struct pool_worker *w, const char *why)
{
	log_error("worker-lost", log_text("pool", w->pool->name), log_number("pid", w->pid), log_text("reason", why));
	timer_cancel(&w->limit);
	loop_remove(&w->watch);
	close(w->watch.fd);
	end_worker(w->pool, w->pid);
	w->watch.fd = -1;
	pool_handler *done = w->busy ? w->done : NULL;
	w->busy = false;
	if (w->pool->restart.place == 0)
		timer_set(&w->pool->restart, RESTART_EVERY);
	if (done != NULL)
		done(w->context, w, NULL);
}

static void
worker_too_slow(struct timer *t)
{
	lose_worker((struct pool_worker *)((char *)t - offsetof(struct pool_worker, limit)), "no answer in time");
}

static void
worker_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct pool_worker *w = (struct pool_worker *)watch;
	enum packet_result r = packet_receive(watch->fd, &answer);
	if (r == PACKET_WAIT)
		return;
	if (r != PACKET_OK) {
		lose_worker(w, "it ended");
		return;
	}
	bool over = w->busy && (w->done == NULL || w->done(w->context, w, &answer));
	packet_close_descriptors(&answer);
	if (!over || w->watch.fd < 0)
		return;
	timer_cancel(&w->limit);
	w->busy = false;
	give_waiting_job(w);
}

static void
assign(struct pool_worker *w, pool_handler *done, void *context)
{
	w->busy = true;
	w->done = done;
	w->context = context;
	if (w->pool->job_timeout > 0)
		timer_set(&w->limit, w->pool->job_timeout);
}

static void
give_waiting_job(struct pool_worker *w)
{
	struct pool *pool = w->pool;
	struct pool_job *job = pool->first;
	if (job == NULL)
		return;
	pool->first = job->next;
	if (pool->first == NULL)
		pool->last = NULL;
	pool->waiting--;
	assign(w, job->done, job->context);
	ssize_t sent;
	do
		sent = write(w->watch.fd, job->data, job->len);
	while (sent < 0 && errno == EINTR);
	free(job);
	if (sent < 0)
		lose_worker(w, strerror(errno));
}

bool
pool_start(struct pool *pool)
{
	pool->restart.fire = restart_workers;
	pool->members = calloc(pool->workers, sizeof *pool->members);
	if (pool->members == NULL)
		return false;
	for (size_t i = 0; i < pool->workers; i++)
		pool->members[i].watch.fd = -1;
	for (size_t i = 0; i < pool->workers; i++)
		if (!start_worker(pool, &pool->members[i]))
			return false;
	return true;
}

static struct pool_worker *
idle_worker(struct pool *pool)
{
	for (size_t i = 0; i < pool->workers; i++)
		if (!pool->members[i].busy && pool->members[i].watch.fd >= 0)
			return &pool->members[i];
	return NULL;
}

static bool
join_line(struct pool *pool, const struct packet *p, pool_handler *done, void *context)
{
	if (pool->waiting >= pool->most_waiting || p->failed || p->descriptor_count > 0)
		return false;
	struct pool_job *job = malloc(sizeof *job + p->len);
	if (job == NULL)
		return false;
	*job = (struct pool_job){.done = done, .context = context, .len = p->len};
	memcpy(job->data, p->data, p->len);
	if (pool->last != NULL)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	pool->waiting++;
	return true;
}

bool
pool_submit(struct pool *pool, const struct packet *job, pool_handler *done, void *context)
{
	struct pool_worker *w = idle_worker(pool);
	if (w == NULL)
		return join_line(pool, job, done, context);
	if (packet_send(w->watch.fd, job) != PACKET_OK)
		return false;
	assign(w, done, context);
	return true;
}

bool
pool_continue(struct pool_worker *w, const struct packet *p)
{
	return w->busy && w->watch.fd >= 0 && packet_send(w->watch.fd, p) == PACKET_OK;
}
