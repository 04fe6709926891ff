#include "queue/journal_line.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/pool.h"
#include "queue/journal.h"
#include "queue/journal_worker.h"

#define GROUP_MOST 128
#define LOST_MOST  5     /* workers for one round, one after the other */
#define LOST_WAIT  1000  /* ms */
#define ROUND_MOST 10000 /* ms after its first message that a round is ended */

enum round_state { FREE, OPEN, EMPTYING, LOST /* the worker was: empty it anew */, USELESS };

struct round {
	enum round_state state;
	int      fd;
	uint64_t key, size;
	off_t    end;      /* behind the last record */
	unsigned lost;     /* workers that were to empty it */
	bool     failed;   /* its disk did: it is not of use any more once it is empty */
};

static struct {
	struct journal_ends ends;
	struct pool    workers;
	struct round   rounds[JOURNAL_FILES];
	struct round  *open;         /* NULL: none */
	struct commit *first, *last; /* the line */
	struct commit *group;        /* written, not yet synced */
	bool           syncing;
	bool           old;          /* the open round is to end after this group */
	void         (*done)(void);  /* NULL: not ending */
	struct timer   age, next, again;
	struct packet  out;
} journal;

static void start(void);

static struct slice
header_of(const struct commit *k)
{
	return str_slice(&k->message.header);
}

static struct slice
message_of(const struct commit *k)
{
	return str_slice(&k->message.data);
}

static struct commit *
leave_line(void)
{
	struct commit *k = journal.first;
	journal.first = k->next;
	if (journal.first == NULL)
		journal.last = NULL;
	return k;
}

/* --- rounds ----------------------------------------------------------------------- */

static unsigned
number_of(const struct round *r)
{
	return (unsigned)(r - journal.rounds);
}

static void
fail(struct round *r, int error)
{
	errno = error;
	log_error("journal-failed", log_number("file", number_of(r)), log_errno(),
	    log_text("hint", "look at the disk; without a journal each message is synced by itself, until the next start"));
	r->failed = true;
}

/* Its answered messages are safe in it until the next start, which makes them good. */
static void
keep(struct round *r, int error)
{
	errno = error;
	log_error("journal-not-emptied", log_number("file", number_of(r)), log_errno(),
	    log_text("hint", "look at the disk; the messages are kept in the journal, the next start tries again"));
	r->state = USELESS;
	if (!journal_keep(r->fd, r->key))
		log_error("journal-not-marked", log_errno());
}

static bool
emptied(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct round *r = context;
	int error = journal_worker_result(answer);
	if (answer == NULL && r->lost++ < LOST_MOST && timer_set(&journal.again, LOST_WAIT))
		r->state = LOST;
	else if (error != 0)
		keep(r, error);
	else
		r->state = r->failed ? USELESS : FREE;
	start();
	return true;
}

static void
empty(struct round *r)
{
	r->state = EMPTYING;
	journal_worker_empty(&journal.out, number_of(r), r->key, (uint64_t)r->end);
	if (!pool_submit(&journal.workers, &journal.out, emptied, r))
		keep(r, EAGAIN);
}

static void
empty_lost(struct timer *t)
{
	(void)t;
	for (struct round *r = journal.rounds; r < journal.rounds + JOURNAL_FILES; r++)
		if (r->state == LOST)
			empty(r);
}

/* The open round takes no more; when its messages are durable in their own files it is free. */
static void
end_round(void)
{
	struct round *r = journal.open;
	journal.open = NULL;
	journal.old = false;
	timer_cancel(&journal.age);
	empty(r);
}

static bool
begin_round(void)
{
	for (struct round *r = journal.rounds; r < journal.rounds + JOURNAL_FILES; r++) {
		if (r->state != FREE)
			continue;
		r->key = random_number();
		r->end = JOURNAL_BLOCK;
		r->lost = 0;
		if (!journal_begin_round(r->fd, r->key)) {
			keep(r, errno);
			continue;
		}
		r->state = OPEN;
		journal.open = r;
		timer_set(&journal.age, ROUND_MOST);
		return true;
	}
	return false;
}

static void
round_is_old(struct timer *t)
{
	(void)t;
	if (journal.syncing)
		journal.old = true;
	else if (journal.open != NULL)
		end_round();
}

static bool
is_useless(void)
{
	for (size_t i = 0; i < JOURNAL_FILES; i++)
		if (journal.rounds[i].state != USELESS)
			return false;
	return true;
}

/* --- groups ------------------------------------------------------------------------ */

static bool
group_synced(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)context, (void)w;
	int error = journal_worker_result(answer);
	struct commit *k = journal.group;
	journal.group = NULL;
	journal.syncing = false;
	/* A failure is final, and what was written before it may have been hit: those messages' own files are synced now. */
	if (error != 0 && answer != NULL)
		fail(journal.open, error);
	if (error != 0 || journal.old)
		end_round();
	for (struct commit *next; k != NULL; k = next) {
		next = k->next;
		journal.ends.ended(k, error);
	}
	start();
	return true;
}

/* False: it has no room there, or has failed. */
static bool
write_record(struct round *r, struct commit *k)
{
	uint64_t room = journal_room(header_of(k), message_of(k));
	if ((uint64_t)r->end + room > r->size)
		return false;
	if (!journal_write(r->fd, r->end, r->key, k->message.id, header_of(k), message_of(k))) {
		fail(r, errno);
		return false;
	}
	r->end += (off_t)room;
	return true;
}

static size_t
write_group(struct round *r)
{
	struct commit **end = &journal.group;
	size_t count = 0;
	while (journal.first != NULL && count < GROUP_MOST && write_record(r, journal.first)) {
		*end = leave_line();
		end = &(*end)->next;
		*end = NULL;
		count++;
	}
	return count;
}

static void
sync_group(void)
{
	journal.syncing = true;
	journal_worker_sync(&journal.out, number_of(journal.open));
	if (!pool_submit(&journal.workers, &journal.out, group_synced, NULL))
		group_synced(NULL, NULL, NULL);
}

static bool
is_at_work(void)
{
	for (size_t i = 0; i < JOURNAL_FILES; i++)
		if (journal.rounds[i].state == EMPTYING || journal.rounds[i].state == LOST)
			return true;
	return journal.syncing;
}

static void
end_all(void)
{
	if (journal.open != NULL && !journal.syncing)
		end_round();
	if (!is_at_work())
		journal.done();
}

static void
start(void)
{
	if (journal.done != NULL) {
		end_all();
		return;
	}
	while (journal.first != NULL && !journal.syncing) {
		if (journal.open != NULL || begin_round()) {
			if (write_group(journal.open) > 0)
				sync_group();
			else
				end_round(); /* it is full, or has failed */
		} else if (is_useless()) {
			journal.ends.by_itself(leave_line());
		} else {
			return; /* a file is being emptied, and then this is called */
		}
	}
}

static void
start_soon(struct timer *t)
{
	(void)t;
	start();
}

/* --- for commit.c ----------------------------------------------------------------- */

void
journal_line_end(void (*done)(void))
{
	journal.done = done;
	if (!timer_set(&journal.next, 0))
		done();
}

bool
journal_line_takes(const struct intake_message *m)
{
	return intake_message_is_small(m) && !is_useless() && m->header.len + m->data.len <= JOURNAL_RECORD_MOST;
}

void
journal_line_join(struct commit *k)
{
	k->next = NULL;
	if (journal.last != NULL)
		journal.last->next = k;
	else
		journal.first = k;
	journal.last = k;
	/* Not within the call: what else has come in this turn of the loop belongs to the same group. */
	if (!journal.syncing && !timer_set(&journal.next, 0))
		start();
}

/* One that could not be made blank at the start is let alone. */
static void
open_round(const struct queue_directory *directory, unsigned number)
{
	struct round *r = &journal.rounds[number];
	struct stat st;
	uint64_t key;
	r->state = USELESS;
	r->fd = journal_open(directory, number);
	if (r->fd < 0 || fstat(r->fd, &st) < 0 || journal_look(r->fd, &key) != JOURNAL_BLANK)
		return;
	r->size = (uint64_t)st.st_size;
	if (r->size >= JOURNAL_BLOCK + JOURNAL_LINE_LEN + JOURNAL_RECORD_MOST)
		r->state = FREE;
}

bool
journal_line_begin(const struct queue_directory *directory, const struct journal_ends *ends)
{
	journal.ends = *ends;
	journal.age.fire = round_is_old;
	journal.next.fire = start_soon;
	journal.again.fire = empty_lost;
	for (unsigned i = 0; i < JOURNAL_FILES; i++)
		open_round(directory, i);
	if (is_useless())
		return true;
	journal_worker_prepare(&journal.workers, directory);
	return pool_start(&journal.workers);
}
