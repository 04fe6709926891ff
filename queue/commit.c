#include "queue/commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/pool.h"
#include "queue/id.h"
#include "queue/intake.h"
#include "queue/journal_line.h"
#include "queue/offer.h"
#include "queue/sync.h"

#define SPARES_MOST 32 /* commits whose buffers wait for the next */

static struct {
	commit_answer *answer;
	struct pool    workers;
	size_t         syncing;
	struct commit *first, *last; /* the line */
	struct commit *spare;        /* used ones, with their buffers */
	size_t         spares;
	struct packet  out;
} line;

struct commit *
commit_take(void)
{
	struct commit *k = line.spare;
	if (k == NULL)
		return calloc(1, sizeof *k);
	line.spare = k->next;
	line.spares--;
	k->next = NULL;
	return k;
}

void
commit_release(struct commit *k)
{
	if (line.spares == SPARES_MOST) {
		intake_message_free(&k->message);
		free(k);
		return;
	}
	k->next = line.spare;
	line.spare = k;
	line.spares++;
}

static void
log_queued(const struct intake_message *m, int64_t uid)
{
	char id[ID_LETTERS + 1];
	id_print(m->id, id);
	log_info("queued", log_text("queue", id), log_text("from", m->sender),
	    log_number("recipients", (int64_t)m->recipients), log_number("size", (int64_t)m->size),
	    uid >= 0 ? log_number("uid", uid) : log_text("client", m->client));
}

/* The file and its name are on the disk, or never will be; or nobody needs them any more. */
static void
ended(struct commit *k, int error)
{
	struct intake_message *m = &k->message;
	if (error != 0) {
		log_error("sync-failed", log_text("reason", strerror(error)));
		m->trouble = intake_message_disk_trouble(error);
	}
	line.answer(k);
	if (outcome_is_done(&m->trouble)) {
		log_queued(m, k->uid);
		intake_message_end(m);
		if (!k->offered)
			intake_notify(m->id);
	} else {
		intake_message_abort(m);
	}
	commit_release(k);
}

static void start_syncs(void);

static void
next_sync(struct timer *t)
{
	(void)t;
	start_syncs();
}

static struct timer sync_timer = {.fire = next_sync};

static bool
synced(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	line.syncing--;
	ended(context, answer != NULL ? sync_result(answer) : EIO);
	/* The worker is idle when this has returned. */
	if (line.first != NULL)
		timer_set(&sync_timer, 0);
	return true;
}

/* Gives the line to the workers that are idle. (A descriptor can only go to an idle one: lib/ipc/pool.h.) */
static void
start_syncs(void)
{
	while (line.first != NULL && line.syncing < line.workers.workers) {
		struct commit *k = line.first;
		sync_request(&line.out, k->message.id, k->message.fd);
		if (!pool_submit(&line.workers, &line.out, synced, k)) {
			/* A worker is being replaced. */
			timer_set(&sync_timer, 100);
			return;
		}
		line.syncing++;
		line.first = k->next;
		if (line.first == NULL)
			line.last = NULL;
	}
}

static void
join_line(struct commit *k)
{
	k->next = NULL;
	if (line.last != NULL)
		line.last->next = k;
	else
		line.first = k;
	line.last = k;
}

static void
sync_by_itself(struct commit *k)
{
	join_line(k);
	start_syncs();
}

void
commit_message(struct commit *k)
{
	struct outcome o = intake_message_complete(&k->message);
	k->offered = false;
	if (!outcome_is_done(&o)) {
		ended(k, 0);
		return;
	}
	if (journal_line_takes(&k->message))
		journal_line_join(k);
	else if (intake_message_is_small(&k->message))
		sync_by_itself(k); /* a sync costs no more than a delivery */
	else
		offer_make(k);
}

bool
commit_begin(struct queue_directory *directory, const struct queue_settings *settings, commit_answer *answer)
{
	line.answer = answer;
	offer_begin(settings->maildir_first, &(struct offer_ends){ended, sync_by_itself});
	sync_prepare(&line.workers, directory, (size_t)settings->sync_workers);
	return pool_start(&line.workers) && journal_line_begin(directory, &(struct journal_ends){ended, sync_by_itself});
}
