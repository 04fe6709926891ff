/*
 * The bouncer: one process of queued that writes notifications, and notices of what is
 * held (letter.h), and hands them in over queue/submit like anybody's mail, so that they are durable before the
 * message that they speak of is forgotten. Apart from the manager because it waits.
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"
#include "lib/ipc/pool.h"
#include "lib/ipc/socket.h"
#include "lib/mail/date.h"
#include "lib/sandbox/sandbox.h"
#include "queue/contracts.h"
#include "queue/letter.h"
#include "queue/manager.h"
#include "queue/report.h"

static struct pool pool;
static struct bounce_templates templates; /* read before the file system is shut; workers have it as it is then */

bool
bouncer_read_templates(void)
{
	const char *path = manager.settings->bounce_template;
	size_t len = 0;
	struct template_fault fault;
	bounce_templates_begin(&templates);
	if (path[0] == '\0')
		return true;
	char *text = settings_read_file(path, TEMPLATE_MOST, &len);
	if (text == NULL) {
		log_error("template-not-read", log_text("file", path), log_errno(),
		    log_text("hint", "the setting bounce_template names it; the words that are built in are used"));
		return false;
	}
	if (bounce_templates_parse(&templates, slice_make(text, len), &fault))
		return true; /* it points into the text */
	log_error("template-wrong", log_text("file", path), log_number("line", (int64_t)fault.line), log_text("reason", fault.why),
	    log_text("hint", "the words that are built in are used; see postern-queued(8)"));
	free(text);
	return false;
}

/* --- in the worker ------------------------------------------------------------------- */

static bool
serve(int socket, const struct queue_directory *d, struct packet *p)
{
	uint64_t id, late;
	if (packet_receive_wait(socket, p, -1) != PACKET_OK)
		return false;
	packet_close_descriptors(p);
	const char *verb = packet_verb(p);
	if (!packet_field_number(p, UINT64_MAX, &id) || !packet_field_number(p, 1, &late))
		return false;
	struct outcome o = letter_make(d, verb, id, late == 1, &templates);
	packet_begin(p, "made");
	packet_add_outcome(p, &o);
	return packet_send_wait(socket, p, -1) == PACKET_OK;
}

static void
work(int socket, void *context)
{
	static struct packet p;
	struct queue_directory d;
	const char *path = ((const struct queue_directory *)context)->path;
	log_session("part", "bouncer");
	date_open();
	if (!queue_directory_open(&d, path))
		return;
	struct sandbox_path paths[] = {{.path = path}, {.path = socket_run_directory}};
	if (!sandbox_enter(&contract_bouncer, paths, 2))
		return;
	while (serve(socket, &d, &p))
		;
}

/* --- in the manager ---------------------------------------------------------------------- */

static struct outcome
read_answer(struct packet *answer)
{
	struct outcome o;
	if (answer == NULL)
		return outcome_make("4.3.0", "the bouncer was lost");
	packet_verb(answer);
	return packet_field_outcome(answer, &o) ? o : outcome_make("4.3.0", "the bouncer gave no clear answer");
}

/* Of how many recipients the letter says what; "bounced" is one that returns the message. */
static void
log_told(const struct message *m, const char *letter)
{
	int64_t counts[REPORT_KINDS] = {0};
	for (size_t i = 0; i < m->file.count; i++)
		counts[report_of(&m->file, &m->file.recipients[i], m->late)]++;
	struct log_field fields[3 + REPORT_KINDS] = {log_text("queue", m->name), log_slice("to", m->file.sender), log_text("bounce", letter)};
	size_t count = 3;
	for (enum report i = REPORT_FAILED; i < REPORT_KINDS; i++)
		if (counts[i] > 0)
			fields[count++] = log_number(report_word(i), counts[i]);
	log_write(LOG_INFO, counts[REPORT_FAILED] > 0 ? "bounced" : "notified", fields, count);
}

static bool
bounced(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct message *m = context;
	struct outcome o = read_answer(answer);
	if (o.class == OUTCOME_DONE)
		log_told(m, o.text);
	else if (o.class == OUTCOME_PERMANENT)
		log_warning("double-bounce", log_text("queue", m->name), log_text("reason", o.text),
		    log_text("hint", "the setting postmaster names who is told of bounces that fail"));
	else
		log_error("not-bounced", log_text("queue", m->name), log_text("reason", o.text));
	message_bounced(m, o.class != OUTCOME_TEMPORARY);
	return true;
}

static bool
told(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct message *m = context;
	struct outcome o = read_answer(answer);
	if (o.class == OUTCOME_DONE)
		log_info("postmaster-told", log_text("queue", m->name), log_text("to", manager.settings->postmaster),
		    log_text("notice", o.text));
	else if (o.class == OUTCOME_PERMANENT)
		log_warning("postmaster-not-told", log_text("queue", m->name), log_text("reason", o.text),
		    log_text("hint", "the setting postmaster names who is told of mail that is held"));
	else
		log_error("postmaster-not-told", log_text("queue", m->name), log_text("reason", o.text));
	message_told(m, o.class != OUTCOME_TEMPORARY);
	return true;
}

bool
bouncer_begin(void)
{
	pool = (struct pool){
	    .name = "bouncer",
	    .workers = 1,
	    .most_waiting = (size_t)manager.settings->active_most / 4 + 1, /* the others' places are for others */
	    .job_timeout = 300000,
	    .work = work,
	    .context = &manager.directory,
	    .keep = {manager.directory.lock},
	};
	return pool_start(&pool);
}

static struct message *
message_of(struct timer *later)
{
	return (struct message *)((char *)later - offsetof(struct message, later));
}

static void
bounce_later(struct timer *t)
{
	message_bounced(message_of(t), false);
}

static void
tell_later(struct timer *t)
{
	message_told(message_of(t), false);
}

static void
ask(struct message *m, const char *verb, pool_handler *done, void (*refused)(struct timer *t))
{
	packet_begin(&manager.out, verb);
	packet_add_number(&manager.out, m->id);
	packet_add_number(&manager.out, m->late);
	if (pool_submit(&pool, &manager.out, done, m))
		return;
	m->later.fire = refused;
	if (!timer_set(&m->later, 0))
		exit(EXIT_FAILURE);
}

void
bouncer_make(struct message *m)
{
	ask(m, "bounce", bounced, bounce_later);
}

void
bouncer_tell(struct message *m)
{
	ask(m, "notice", told, tell_later);
}
