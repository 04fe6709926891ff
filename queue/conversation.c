#include "queue/conversation.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "queue/bounce.h"
#include "queue/id.h"
#include "queue/intake.h"
#include "queue/room.h"

#define SUBMIT_HEADER_MOST (1u << 20) /* some 5,000 recipients */

/* What smtpd and sendmail put in front of a message does not count against the limit that they held it to. */
#define ADDED_MOST 65536

static struct {
	struct queue_directory      *directory;
	const struct queue_settings *settings;
	struct room                  room;
	struct id_source             ids;
	struct packet                out;
} intake;

void
conversations_begin(struct queue_directory *directory, const struct queue_settings *settings, uint64_t start)
{
	intake.directory = directory;
	intake.settings = settings;
	intake.room = (struct room){.directory = directory, .keep_bytes = settings->free_space, .keep_inodes = settings->free_inodes};
	id_source_begin(&intake.ids, start);
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

void
conversation_answer_commit(struct commit *k)
{
	struct conversation *c = k->from;
	if (c == NULL)
		return;
	if (outcome_is_done(&k->message.trouble))
		answer_id(c, k->tag, k->message.id);
	else
		answer_outcome(c, k->tag, &k->message.trouble);
	c->commit = NULL;
	c->stage = NOTHING;
}

/* --- packets ------------------------------------------------------------------- */

static const char *
take_tag(struct packet *p)
{
	const char *tag = packet_field(p);
	return tag != NULL && strlen(tag) < COMMIT_TAG_MOST ? tag : NULL;
}

static bool
on_mail(struct conversation *c, struct packet *p)
{
	if (c->stage != NOTHING || take_tag(p) == NULL)
		return false;
	c->commit = commit_take();
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
	if (!room_take(&intake.room, intake.settings->message_size))
		return outcome_make("4.3.1", "there is not enough room in the queue");
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
	commit_release(c->commit);
	c->commit = NULL;
	c->stage = NOTHING;
}

static bool
on_open(struct conversation *c, struct packet *p)
{
	const char *tag = take_tag(p);
	if (c->stage != ENVELOPE || tag == NULL || c->commit->message.recipients == 0)
		return false;
	struct outcome o = intake_message_open(&c->commit->message, &intake.room);
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
	commit_message(k);
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

bool
conversation_request(struct connection *connection, struct packet *p)
{
	const char *verb = packet_verb(p);
	((struct conversation *)connection)->heard = clock_ms();
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].act((struct conversation *)connection, p);
	return false;
}

bool
conversation_by_smtpd(struct connection *connection)
{
	((struct conversation *)connection)->uid = -1;
	return true;
}

/* Everybody may submit: who stands still would hold a file and a place for ever. */
static void
look_whether_idle(struct timer *t)
{
	struct conversation *c = (struct conversation *)((char *)t - offsetof(struct conversation, idle));
	int64_t rest = c->heard + (int64_t)intake.settings->submit_idle * 1000 - clock_ms();
	if (c->stage != COMMITTING && rest <= 0) {
		log_warning("submitter-idle", log_number("uid", c->uid), log_text("hint", "setting submit_idle says how long one may be"));
		connection_close(&c->connection);
		return;
	}
	timer_set(t, rest > 1000 ? rest : 1000);
}

bool
conversation_by_submitter(struct connection *connection)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(connection->watch.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	struct conversation *c = (struct conversation *)connection;
	c->uid = (int64_t)who.uid;
	c->heard = clock_ms();
	c->idle.fire = look_whether_idle;
	return timer_set(&c->idle, (int64_t)intake.settings->submit_idle * 1000);
}

void
conversation_closed(struct connection *connection)
{
	struct conversation *c = (struct conversation *)connection;
	intake_etrn_forget(c);
	timer_cancel(&c->idle);
	if (c->stage == COMMITTING)
		c->commit->from = NULL;
	else if (c->commit != NULL)
		forget_message(c);
}
