/*
 * The socket queue/control: what waits (anybody may look), and trying it now,
 * holding, releasing and deleting it (root). Looking goes page by page, so no
 * list is longer than a packet.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ipc/server.h"
#include "queue/destination.h"
#include "queue/manager.h"

#define PAGE_IDS   64
#define PAGE_BYTES 48000 /* a page is sent when it has grown to this; one line more fits */

struct asker {
	struct connection connection;
	bool              may_steer;
};

static bool
opened(struct connection *c)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(c->watch.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	((struct asker *)c)->may_steer = who.uid == 0 || (socket_one_identity && who.uid == geteuid());
	return true;
}

/* --- list ----------------------------------------------------------------------------- */

struct page {
	size_t   count;
	uint64_t from;           /* ids from this one on */
	uint64_t ids[PAGE_IDS];  /* the least of them, in order */
};

static void
page_offer(struct page *page, uint64_t id)
{
	bool full = page->count == PAGE_IDS;
	if (id < page->from || (full && id >= page->ids[PAGE_IDS - 1]))
		return;
	size_t at = full ? PAGE_IDS - 1 : page->count++;
	for (; at > 0 && page->ids[at - 1] > id; at--)
		page->ids[at] = page->ids[at - 1];
	page->ids[at] = id;
}

static const char *
state_of(const struct queue_file *f, const struct file_recipient *r)
{
	if (queue_file_is_delivered(r))
		return "delivered";
	if (!queue_file_is_pending(r))
		return "failed";
	if (f->held)
		return "held";
	return f->tries > 0 ? "deferred" : "queued";
}

/* Why it is held, or the last answer. */
static void
add_reason(struct packet *p, const struct queue_file *f, const struct file_recipient *r)
{
	char text[FILE_CODE_WIDTH + FILE_TEXT_WIDTH + 2];
	if (f->held && queue_file_is_pending(r)) {
		queue_file_with_text(f, "hold", text, sizeof text);
		packet_add_text(p, text[0] != '\0' ? text : "by the administrator");
		return;
	}
	memcpy(text, r->code.data, r->code.len);
	text[r->code.len] = ' ';
	memcpy(text + r->code.len + 1, r->text.data, r->text.len);
	packet_add(p, slice_trim(slice_make(text, r->code.len + 1 + r->text.len)));
}

static void
add_recipient(struct packet *p, const char *name, const struct queue_file *f, const struct file_recipient *r)
{
	packet_add_text(p, name);
	packet_add_number(p, f->message_size);
	packet_add_number(p, f->arrival / 1000000);
	packet_add(p, f->sender);
	packet_add(p, r->address);
	packet_add_text(p, state_of(f, r));
	packet_add_number(p, f->next);
	add_reason(p, f, r);
}

/* Adds a message's recipients but the first `skip`. False: the page is full. */
static bool
add_message(struct packet *p, uint64_t id, uint64_t skip)
{
	struct queue_file f;
	char name[ID_LETTERS + 1];
	id_print(id, name);
	int fd = queue_directory_open_file(&manager.directory, id, O_RDONLY);
	enum file_result r = fd >= 0 ? queue_file_read(fd, false, &f) : FILE_TROUBLE;
	if (fd >= 0)
		close(fd);
	if (r != FILE_OK)
		return true;
	bool room = true;
	uint64_t shown = 0;
	for (size_t i = 0; i < f.count && (room = p->len < PAGE_BYTES); i++)
		if (!f.recipients[i].expanded && shown++ >= skip)
			add_recipient(p, name, &f, &f.recipients[i]);
	queue_file_free(&f);
	return room;
}

/* The least ids from page->from on. */
static void
gather(struct page *page)
{
	page->count = 0;
	for (size_t i = 0; i < manager.waiting.count; i++)
		page_offer(page, manager.waiting.heap[i].id);
	for (struct message *m = manager.active; m != NULL; m = m->next)
		page_offer(page, m->id);
}

static bool
on_list(struct asker *a, const char *tag, struct packet *p)
{
	struct page page = {.count = 0};
	uint64_t skip = 0;
	const char *from = packet_field(p);
	if (from == NULL || (from[0] != '\0' && !id_parse(slice_of(from), &page.from)) ||
	    (packet_rest(p).len > 0 && !packet_field_number(p, UINT32_MAX, &skip)) || packet_rest(p).len > 0)
		return false;
	packet_begin(&manager.out, "ok");
	packet_add_text(&manager.out, tag);
	size_t empty = manager.out.len;
	uint64_t first = page.from;
	do { /* as a rule once; a page of files that cannot be read now is no end of the list */
		gather(&page);
		for (size_t i = 0; i < page.count; i++)
			if (!add_message(&manager.out, page.ids[i], page.ids[i] == first ? skip : 0))
				break;
		page.from = page.count > 0 ? page.ids[page.count - 1] + 1 : 0;
	} while (page.count == PAGE_IDS && manager.out.len == empty);
	connection_send(&a->connection, &manager.out);
	return true;
}

/* --- steering ---------------------------------------------------------------------------- */

static size_t
flush(uint64_t id)
{
	size_t count = waiting_hurry(&manager.waiting, id, (uint64_t)clock_unix());
	destinations_revive();
	log_info("flush", log_number("messages", (int64_t)count));
	return count;
}

static const struct {
	const char *verb;
	size_t (*act)(uint64_t id);
	bool all;    /* "all" may stand for the id */
	bool absent; /* and so may nothing */
} steering[] = {
    {"flush", flush, false, true},
    {"hold", hold_begin, true, false},
    {"release", hold_release, true, false},
    {"delete", hold_delete, false, false},
};

static bool
on_steering(struct asker *a, const char *verb, const char *tag, struct packet *p)
{
	for (size_t i = 0; a->may_steer && i < sizeof steering / sizeof *steering; i++) {
		if (strcmp(verb, steering[i].verb) != 0)
			continue;
		uint64_t id = 0;
		const char *which = packet_field(p);
		bool all = which != NULL ? steering[i].all && strcmp(which, "all") == 0 : steering[i].absent;
		if (packet_rest(p).len > 0 || (!all && (which == NULL || !id_parse(slice_of(which), &id) || id == 0)))
			return false;
		size_t count = steering[i].act(id);
		packet_begin(&manager.out, "ok");
		packet_add_text(&manager.out, tag);
		packet_add_number(&manager.out, count);
		connection_send(&a->connection, &manager.out);
		timer_set(&manager.due, 0);
		return true;
	}
	return false;
}

static bool
request(struct connection *c, struct packet *p)
{
	const char *verb = packet_verb(p);
	const char *tag = packet_field(p);
	if (tag == NULL || strlen(tag) > 32)
		return false;
	if (strcmp(verb, "list") == 0)
		return on_list((struct asker *)c, tag, p);
	return on_steering((struct asker *)c, verb, tag, p);
}

static struct service service = {
    .name = "queue/control", .connection_size = sizeof(struct asker), .most = 64, .most_per_user = 16, .opened = opened, .request = request,
};

bool
control_begin(void)
{
	service.peers.everybody = true;
	return service_start(&service);
}
