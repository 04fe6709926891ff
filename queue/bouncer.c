/*
 * The bouncer: one process of queued that writes bounces, and notices of what is
 * held, and hands them in over queue/submit like anybody's mail, so that they are durable before the
 * message that they speak of is forgotten. Apart from the manager because it waits.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/ipc/pool.h"
#include "lib/ipc/socket.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/sandbox/sandbox.h"
#include "queue/bounce.h"
#include "queue/contracts.h"
#include "queue/manager.h"
#include "queue/notice.h"
#include "queue/submit.h"

#define HEADERS_MOST 65536        /* of the message that come along */
#define ORIGIN       "origin="
#define DOUBLE       "double-bounce" /* a notice to the postmaster: if that fails, nobody is told */

static struct pool pool;

/* --- in the worker ------------------------------------------------------------------- */

static const char nobody[] = "nobody is to be told";

/* To whom; the text `nobody` when the end is reached. */
static struct slice
addressee(const struct queue_file *f, bool *to_postmaster)
{
	*to_postmaster = f->sender.len == 0;
	if (!*to_postmaster)
		return f->sender;
	struct slice origin;
	bool again = queue_file_with(f, "origin", &origin) && slice_is(origin, DOUBLE);
	const char *postmaster = manager.settings->postmaster;
	return slice_of(again || postmaster[0] == '\0' ? nobody : postmaster);
}

/* What the letter tells of the message is as secret as the message was (RFC 8689 section 5). */
static const char *
secrecy(const struct queue_file *f)
{
	struct slice said;
	return queue_file_with(f, "requiretls", &said) && slice_is(said, "1") ? "requiretls=1" : NULL;
}

static struct outcome
submit(const struct queue_file *f, struct slice to, const char *origin, struct slice text)
{
	static struct submission s;
	submit_begin(&s);
	submit_mail(&s, slice_of(""), (const char *const[]){origin, secrecy(f), NULL});
	submit_rcpt(&s, to);
	submit_open(&s);
	submit_data(&s, text);
	struct outcome o = submit_commit(&s);
	if (outcome_is_done(&o))
		o = outcome_make("2.0.0", "%s", s.id);
	submit_end(&s);
	return o;
}

static struct slice
read_headers(int fd, const struct queue_file *f, char *buffer)
{
	size_t len = f->message_size < HEADERS_MOST ? (size_t)f->message_size : HEADERS_MOST;
	if (!file_read_at(fd, buffer, len, (off_t)f->header_size))
		len = 0;
	struct slice message = slice_make(buffer, len);
	struct slice headers = slice_first(message, header_end(message));
	/* Cut where a line ends. */
	return slice_first(headers, slice_find_last(headers, '\n') + 1);
}

static struct outcome
make_bounce(int fd, const struct queue_file *f)
{
	static char headers[HEADERS_MOST];
	struct bounce b = {.file = f, .hostname = manager.settings->hostname};
	b.to = addressee(f, &b.to_postmaster);
	if (b.to.data == nobody)
		return outcome_make("5.0.0", "%s", nobody);
	b.headers = read_headers(fd, f, headers);
	struct str text = STR_MOST(BOUNCE_MOST);
	struct outcome o = outcome_make("4.3.0", "no memory");
	if (bounce_compose(&text, &b))
		o = submit(f, b.to, b.to_postmaster ? ORIGIN DOUBLE : ORIGIN "bounce", str_slice(&text));
	str_free(&text);
	return o;
}

static struct outcome
make_notice(int fd, const struct queue_file *f)
{
	(void)fd;
	struct slice postmaster = slice_of(manager.settings->postmaster);
	if (postmaster.len == 0)
		return outcome_make("5.0.0", "%s", nobody);
	struct str text = STR_MOST(NOTICE_MOST);
	struct outcome o = outcome_make("4.3.0", "no memory");
	if (notice_compose(&text, f, postmaster, manager.settings->hostname))
		o = submit(f, postmaster, ORIGIN DOUBLE, str_slice(&text));
	str_free(&text);
	return o;
}

static const struct {
	const char *verb;
	struct outcome (*make)(int fd, const struct queue_file *f);
} letters[] = {{"bounce", make_bounce}, {"notice", make_notice}};

static struct outcome
make_letter(const struct queue_directory *d, const char *verb, uint64_t id)
{
	struct queue_file f;
	int fd = queue_directory_open_file(d, id, O_RDONLY);
	if (fd < 0)
		return outcome_make("4.3.0", "the file cannot be opened");
	struct outcome o = outcome_make("4.3.0", "the file cannot be read");
	if (queue_file_read(fd, false, &f) == FILE_OK) {
		for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
			if (strcmp(verb, letters[i].verb) == 0)
				o = letters[i].make(fd, &f);
		queue_file_free(&f);
	}
	close(fd);
	return o;
}

static bool
serve(int socket, const struct queue_directory *d, struct packet *p)
{
	uint64_t id;
	if (packet_receive_wait(socket, p, -1) != PACKET_OK)
		return false;
	packet_close_descriptors(p);
	const char *verb = packet_verb(p);
	if (!packet_field_number(p, UINT64_MAX, &id))
		return false;
	struct outcome o = make_letter(d, verb, id);
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

static bool
bounced(void *context, struct pool_worker *w, struct packet *answer)
{
	(void)w;
	struct message *m = context;
	struct outcome o = read_answer(answer);
	if (o.class == OUTCOME_DONE)
		log_info("bounced", log_text("queue", m->name), log_slice("to", m->file.sender), log_text("bounce", o.text));
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
