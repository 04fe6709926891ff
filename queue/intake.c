#include "queue/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/pool.h"
#include "lib/ipc/server.h"
#include "lib/sandbox/sandbox.h"
#include "queue/bounce.h"
#include "queue/contracts.h"
#include "queue/id.h"
#include "queue/intake_message.h"
#include "queue/sync.h"

#define TAG_MOST    32
#define SUBMIT_HEADER_MOST (1u << 20) /* some 5,000 recipients */
#define SPARES_MOST 32 /* messages whose buffers wait for the next */

enum stage { NOTHING, ENVELOPE, OPEN, COMMITTING };

/* A commit lives on when its connection ends: the message may already be on the disk. */
struct commit {
	struct commit        *next; /* in the line for a worker */
	struct conversation  *from; /* NULL: gone */
	struct intake_message message;
	char                  tag[TAG_MOST];
	int64_t               uid; /* of the submitter, who may be gone; -1: smtpd */
};

struct conversation {
	struct connection connection;
	enum stage        stage;
	int64_t           uid; /* of a submitter, -1: smtpd */
	struct commit    *commit;
	uint64_t          promised;  /* the id that the next message will have, 0: any */
	bool              scratched; /* it has its scratch file */
	char              etrn[TAG_MOST]; /* of the question that is under way; "": none */
};

/* What smtpd and sendmail put in front of a message does not count against the limit that they held it to. */
#define ADDED_MOST 65536

static struct {
	struct queue_directory      *directory;
	const struct queue_settings *settings;
	struct id_source             ids;
	struct pool                  sync;
	size_t                       syncing;
	struct commit               *first, *last; /* the line */
	struct commit               *spare;        /* used ones, with their buffers */
	size_t                       spares;
	struct packet                out;
} intake;

/* NULL: no memory. */
static struct commit *
take_commit(void)
{
	struct commit *k = intake.spare;
	if (k == NULL)
		return calloc(1, sizeof *k);
	intake.spare = k->next;
	intake.spares--;
	k->next = NULL;
	return k;
}

static void
release(struct commit *k)
{
	if (intake.spares == SPARES_MOST) {
		intake_message_free(&k->message);
		free(k);
		return;
	}
	k->next = intake.spare;
	intake.spare = k;
	intake.spares++;
}

static void
answer_outcome(struct conversation *c, const char *tag, const struct outcome *o)
{
	packet_begin(&intake.out, o->class == OUTCOME_PERMANENT ? "no" : "later");
	packet_add_text(&intake.out, tag);
	packet_add_text(&intake.out, o->code);
	packet_add_text(&intake.out, o->text);
	connection_send(&c->connection, &intake.out);
}

static void
answer_id(struct conversation *c, const char *tag, uint64_t id)
{
	char text[ID_LETTERS + 1];
	id_print(id, text);
	packet_begin(&intake.out, "ok");
	packet_add_text(&intake.out, tag);
	packet_add_text(&intake.out, text);
	connection_send(&c->connection, &intake.out);
}

/* --- commit ------------------------------------------------------------------- */

static void start_syncs(void);

static void
next_sync(struct timer *t)
{
	(void)t;
	start_syncs();
}

static struct timer sync_timer = {.fire = next_sync};

static void
log_queued(const struct intake_message *m, int64_t uid)
{
	char id[ID_LETTERS + 1];
	id_print(m->id, id);
	log_info("queued", log_text("queue", id), log_text("from", m->sender),
	    log_number("recipients", (int64_t)m->recipients), log_number("size", (int64_t)m->size),
	    uid >= 0 ? log_number("uid", uid) : log_text("client", m->client));
}

/* The file and its name are on the disk, or never will be. */
static void
commit_ended(struct commit *k, int error)
{
	struct conversation *c = k->from;
	struct intake_message *m = &k->message;
	if (error != 0) {
		log_error("sync-failed", log_text("reason", strerror(error)));
		m->trouble = intake_message_disk_trouble(error);
	}
	bool ok = outcome_is_done(&m->trouble);
	if (c != NULL && ok)
		answer_id(c, k->tag, m->id);
	else if (c != NULL)
		answer_outcome(c, k->tag, &m->trouble);
	if (ok) {
		log_queued(m, k->uid);
		intake_message_end(m);
		intake_notify(m->id);
	} else {
		intake_message_abort(m);
	}
	if (c != NULL) {
		c->commit = NULL;
		c->stage = NOTHING;
	}
	release(k);
}

static bool
synced(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	intake.syncing--;
	commit_ended(context, answer != NULL ? sync_result(answer) : EIO);
	/* The worker is idle when this has returned. */
	if (intake.first != NULL)
		timer_set(&sync_timer, 0);
	return true;
}

/* Gives the line to the workers that are idle. (A descriptor can only go to an idle one: lib/ipc/pool.h.) */
static void
start_syncs(void)
{
	while (intake.first != NULL && intake.syncing < intake.sync.workers) {
		struct commit *k = intake.first;
		sync_request(&intake.out, k->message.id, k->message.fd);
		if (!pool_submit(&intake.sync, &intake.out, synced, k)) {
			/* A worker is being replaced. */
			timer_set(&sync_timer, 100);
			return;
		}
		intake.syncing++;
		intake.first = k->next;
		if (intake.first == NULL)
			intake.last = NULL;
	}
}

static void
join_line(struct commit *k)
{
	k->next = NULL;
	if (intake.last != NULL)
		intake.last->next = k;
	else
		intake.first = k;
	intake.last = k;
}

/* --- packets ------------------------------------------------------------------- */

static const char *
take_tag(struct packet *p)
{
	const char *tag = packet_field(p);
	return tag != NULL && strlen(tag) < TAG_MOST ? tag : NULL;
}

static bool
on_mail(struct conversation *c, struct packet *p)
{
	if (c->stage != NOTHING || take_tag(p) == NULL)
		return false;
	c->commit = take_commit();
	if (c->commit == NULL)
		return false;
	c->commit->from = c;
	c->commit->uid = c->uid;
	c->stage = ENVELOPE;
	struct intake_message *m = &c->commit->message;
	uint64_t id = c->promised != 0 ? c->promised : id_next(&intake.ids);
	c->promised = 0;
	intake_message_begin(m, intake.directory, id, intake.settings->message_size + ADDED_MOST);
	if (!intake_message_take_sender(m, p, c->uid < 0))
		return false;
	if (c->uid >= 0)
		intake_message_add_key(m, "uid", (uint64_t)c->uid);
	/* Everybody may submit: what they all hold at once must fit. A bounce may be longer than the message was allowed to be. */
	if (c->uid > 0 && c->uid != geteuid())
		m->header.limit = SUBMIT_HEADER_MOST;
	if (c->uid == geteuid() && m->sender[0] == '\0' && m->size_most < BOUNCE_MOST)
		m->size_most = BOUNCE_MOST;
	return true;
}

static bool
on_rcpt(struct conversation *c, struct packet *p)
{
	return c->stage == ENVELOPE && take_tag(p) != NULL && intake_message_take_recipient(&c->commit->message, p);
}

/* A scratch file for smtpd, which lets filters change the message: it must fit beside what the disk keeps free. */
static struct outcome
make_scratch(int *fd)
{
	if (!queue_directory_has_room(intake.directory, intake.settings->free_space + intake.settings->message_size)) {
		log_error("queue-disk-full", log_text("directory", intake.directory->path),
		    log_text("hint", "setting free_space says how much must be left"));
		return outcome_make("4.3.1", "there is not enough room in the queue");
	}
	*fd = queue_directory_scratch(intake.directory);
	if (*fd >= 0)
		return outcome_done();
	log_error("queue-scratch-not-made", log_errno());
	return intake_message_disk_trouble(errno);
}

/* The next message's id, and with the first one the connection's only scratch file. */
static bool
on_scratch(struct conversation *c, struct packet *p)
{
	const char *tag = take_tag(p);
	int fd = -1;
	if (c->uid >= 0 || c->stage != NOTHING || tag == NULL)
		return false;
	struct outcome o = c->scratched ? outcome_done() : make_scratch(&fd);
	if (!outcome_is_done(&o)) {
		answer_outcome(c, tag, &o);
		return true;
	}
	char id[ID_LETTERS + 1];
	c->promised = id_next(&intake.ids);
	id_print(c->promised, id);
	packet_begin(&intake.out, "ok");
	packet_add_text(&intake.out, tag);
	packet_add_text(&intake.out, id);
	if (fd >= 0)
		packet_add_descriptor(&intake.out, fd);
	connection_send(&c->connection, &intake.out);
	if (fd >= 0)
		close(fd);
	c->scratched = true;
	return true;
}

static void
forget_message(struct conversation *c)
{
	intake_message_abort(&c->commit->message);
	release(c->commit);
	c->commit = NULL;
	c->stage = NOTHING;
}

static bool
on_open(struct conversation *c, struct packet *p)
{
	const char *tag = take_tag(p);
	if (c->stage != ENVELOPE || tag == NULL || c->commit->message.recipients == 0)
		return false;
	struct outcome o = intake_message_open(&c->commit->message, intake.settings->free_space);
	if (outcome_is_done(&o)) {
		answer_id(c, tag, c->commit->message.id);
		c->stage = OPEN;
		return true;
	}
	answer_outcome(c, tag, &o);
	forget_message(c);
	return true;
}

static bool
on_data(struct conversation *c, struct packet *p)
{
	if (c->stage != OPEN)
		return false;
	intake_message_data(&c->commit->message, packet_rest(p));
	return true;
}

static bool
on_commit(struct conversation *c, struct packet *p)
{
	const char *tag = take_tag(p);
	if (c->stage != OPEN || tag == NULL)
		return false;
	struct commit *k = c->commit;
	memcpy(k->tag, tag, strlen(tag) + 1);
	c->stage = COMMITTING;
	struct outcome o = intake_message_complete(&k->message);
	if (!outcome_is_done(&o)) {
		commit_ended(k, 0);
		return true;
	}
	join_line(k);
	start_syncs();
	return true;
}

static bool
on_abort(struct conversation *c, struct packet *p)
{
	(void)p;
	if (c->stage == ENVELOPE || c->stage == OPEN)
		forget_message(c);
	return c->stage == NOTHING;
}

static void
etrn_done(void *context, size_t count)
{
	struct conversation *c = context;
	packet_begin(&intake.out, "ok");
	packet_add_text(&intake.out, c->etrn);
	packet_add_number(&intake.out, count);
	connection_send(&c->connection, &intake.out);
	c->etrn[0] = '\0';
}

/* One question at a time, and smtpd's alone. */
static bool
on_etrn(struct conversation *c, struct packet *p)
{
	const char *tag = take_tag(p), *domain = packet_field(p);
	if (c->stage != NOTHING || c->uid >= 0 || tag == NULL || tag[0] == '\0' || domain == NULL || c->etrn[0] != '\0')
		return false;
	if (intake_etrn(intake.directory, domain, etrn_done, c)) {
		memcpy(c->etrn, tag, strlen(tag) + 1);
		return true;
	}
	struct outcome o = outcome_make("4.3.0", "not now");
	answer_outcome(c, tag, &o);
	return true;
}

static const struct {
	const char *verb;
	bool (*act)(struct conversation *c, struct packet *p);
} verbs[] = {
    {"data", on_data}, {"mail", on_mail}, {"rcpt", on_rcpt}, {"open", on_open}, {"commit", on_commit}, {"abort", on_abort},
    {"etrn", on_etrn},
    {"scratch", on_scratch},
};

static bool
request(struct connection *connection, struct packet *p)
{
	const char *verb = packet_verb(p);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].act((struct conversation *)connection, p);
	return false;
}

static bool
opened_by_smtpd(struct connection *connection)
{
	((struct conversation *)connection)->uid = -1;
	return true;
}

static bool
opened_by_submitter(struct connection *connection)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(connection->watch.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	((struct conversation *)connection)->uid = (int64_t)who.uid;
	return true;
}

static void
closed(struct connection *connection)
{
	struct conversation *c = (struct conversation *)connection;
	intake_etrn_forget(c);
	if (c->stage == COMMITTING)
		c->commit->from = NULL;
	else if (c->commit != NULL)
		forget_message(c);
}

static struct service intake_service = {
    .name = "queue/intake", .connection_size = sizeof(struct conversation),
    .opened = opened_by_smtpd, .request = request, .closed = closed,
};
static struct service submit_service = {
    .name = "queue/submit", .connection_size = sizeof(struct conversation), .most = 256, .most_per_user = 100,
    .opened = opened_by_submitter, .request = request, .closed = closed,
};

/* --- start ----------------------------------------------------------------------- */

static bool
wait_for_go(int manager)
{
	return packet_receive_wait(manager, &intake.out, -1) == PACKET_OK && strcmp(packet_verb(&intake.out), "go") == 0;
}

static bool
start(int manager)
{
	peers_add(&intake_service.peers, "postern-smtpd");
	submit_service.peers.everybody = true;
	id_source_begin(&intake.ids);
	sync_prepare(&intake.sync, intake.directory, (size_t)intake.settings->sync_workers);
	if (!loop_begin() || !pool_start(&intake.sync) || !wait_for_go(manager))
		return false;
	if (!intake_notify_begin(manager) || !service_start(&intake_service) || !service_start(&submit_service))
		return false;
	struct sandbox_path paths[] = {{.path = intake.directory->path, .write = true}};
	return sandbox_enter(&contract_intake, paths, 1);
}

_Noreturn void
intake_run(int manager, struct queue_directory *directory, const struct queue_settings *settings)
{
	log_session("part", "intake");
	intake.directory = directory;
	intake.settings = settings;
	if (!start(manager))
		exit(EXIT_TEMPORARY);
	loop_run();
	exit(EXIT_TEMPORARY);
}
