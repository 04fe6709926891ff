#include "queue/control_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/server.h"
#include "lib/sandbox/sandbox.h"
#include "queue/contracts.h"
#include "queue/control_list.h"
#include "queue/control_rights.h"
#include "queue/ended.h"

#define SYNC_MOST 16 /* messages that are synced one by one; more are the file system's to sync as a whole */

static struct queue_directory *directory;
static struct packet           out;

/* --- fields and answers ----------------------------------------------------------------------- */

static bool
take_id(struct packet *p, uint64_t *id)
{
	const char *field = packet_field(p);
	return field != NULL && id_parse(slice_of(field), id) && *id != 0;
}

/* An optional number at the end. */
static bool
take_skip(struct packet *p, uint64_t *skip)
{
	*skip = 0;
	return (packet_rest(p).len == 0 || packet_field_number(p, UINT32_MAX, skip)) && packet_rest(p).len == 0;
}

static void
begin_answer(const char *status, const char *tag)
{
	packet_begin(&out, status);
	packet_add_text(&out, tag);
}

static void
answer_why(const char *status, const char *tag, const char *why)
{
	begin_answer(status, tag);
	packet_add_text(&out, why);
}

/* --- list, message ----------------------------------------------------------------------------- */

static bool
on_list(const char *tag, struct packet *p)
{
	uint64_t from = 0, skip;
	const char *field = packet_field(p);
	if (field == NULL || (field[0] != '\0' && !id_parse(slice_of(field), &from)) || !take_skip(p, &skip))
		return false;
	begin_answer("ok", tag);
	if (!list_page(&out, directory, from, skip))
		answer_why("later", tag, strerror(errno));
	return true;
}

static bool
on_message(const char *tag, struct packet *p)
{
	uint64_t id, skip;
	if (!take_id(p, &id) || !take_skip(p, &skip))
		return false;
	begin_answer("ok", tag);
	list_message(&out, directory, id, skip);
	return true;
}

/* --- show: a message with its file ----------------------------------------------------------------- */

static void
add_facts(const struct queue_file *f)
{
	packet_add_number(&out, f->header_size);
	packet_add_number(&out, f->message_size);
	packet_add_number(&out, f->arrival / 1000000);
	packet_add(&out, f->sender);
	packet_add_text(&out, list_state(f));
	packet_add_number(&out, f->tries);
	packet_add_number(&out, f->next);
}

/* What stands in the file is escaped. */
static void
add_keys(const struct queue_file *f)
{
	struct slice rest = f->with, line;
	while (slice_split(&rest, '\n', &line)) {
		char text[4096];
		line = slice_first(slice_from(line, strlen("with ")), sizeof text);
		size_t len = line.len;
		memcpy(text, line.data, len);
		if (queue_file_unescape(text, &len))
			packet_add(&out, slice_make(text, len));
	}
}

static bool
on_show(const char *tag, struct packet *p, int *fd)
{
	uint64_t id;
	struct queue_file f;
	if (!take_id(p, &id) || packet_rest(p).len > 0)
		return false;
	*fd = list_open(directory, id, &f);
	begin_answer("ok", tag);
	if (*fd < 0)
		return true;
	add_facts(&f);
	add_keys(&f);
	packet_add_descriptor(&out, *fd);
	queue_file_free(&f);
	return true;
}

/* --- sync: what was changed is on the disk -------------------------------------------------------------- */

/*
 * The file and its name: where only the journal had them, a power cut would
 * bring the message back as it came. When it is gone: the directory without it,
 * and the note for the journal that it has ended.
 */
static bool
sync_one(uint64_t id)
{
	int fd = queue_directory_open_file(directory, id, O_RDONLY);
	if (fd < 0)
		return errno == ENOENT && ended_sync(directory->journal) && queue_directory_sync(directory, id);
	bool ok = fsync(fd) == 0 && queue_directory_sync(directory, id);
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

static bool
on_sync(const char *tag, struct packet *p)
{
	bool ok = packet_rest(p).len > 0 || syncfs(directory->root) == 0;
	for (int i = 0; ok && packet_rest(p).len > 0; i++) {
		uint64_t id;
		if (i == SYNC_MOST || !take_id(p, &id))
			return false;
		ok = sync_one(id);
	}
	int error = errno;
	answer_why(ok ? "ok" : "later", tag, ok ? "" : strerror(error));
	if (!ok)
		log_error("not-synced", log_text("reason", strerror(error)),
		    log_text("hint", "what was changed may be as before after a power cut; look at the disk, and say it again"));
	return true;
}

/* --- the service -------------------------------------------------------------------------------------- */

static bool
dispatch(const char *verb, const char *tag, struct packet *p, int *fd)
{
	if (strcmp(verb, "list") == 0)
		return on_list(tag, p);
	if (strcmp(verb, "message") == 0)
		return on_message(tag, p);
	if (strcmp(verb, "show") == 0)
		return on_show(tag, p, fd);
	return strcmp(verb, "sync") == 0 && on_sync(tag, p);
}

static bool
may(uid_t uid, const char *verb)
{
	bool looks = strcmp(verb, "list") == 0 || strcmp(verb, "message") == 0;
	return looks ? control_may_list(uid) : control_may_steer(uid);
}

static bool
request(struct connection *c, struct packet *p)
{
	int fd = -1;
	const char *verb = packet_verb(p);
	const char *tag = packet_field(p);
	if (tag == NULL || strlen(tag) > 32)
		return false;
	bool understood = true;
	if (may(c->uid, verb))
		understood = dispatch(verb, tag, p, &fd);
	else
		answer_why("no", tag, "root may, and the users of the setting queue_admins");
	if (understood)
		connection_send(c, &out);
	if (fd >= 0)
		close(fd);
	return understood;
}

static struct service service = {.name = "queue/show", .most = 64, .most_per_user = 16, .request = request};

/* It never speaks: this is its end, and the lock must go. */
static void
manager_ended(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	exit(EXIT_DONE);
}

_Noreturn void
view_run(int manager, struct queue_directory *d)
{
	static struct watch end;
	end = (struct watch){.fd = manager, .ready = manager_ended};
	directory = d;
	log_session("part", "viewer");
	service.peers.everybody = true;
	struct sandbox_path paths[] = {{.path = d->path}};
	if (!loop_begin() || !loop_add(&end, EPOLLIN) || !service_start(&service) || !sandbox_enter(&contract_viewer, paths, 1))
		exit(EXIT_TEMPORARY);
	loop_run();
	exit(EXIT_TEMPORARY);
}
