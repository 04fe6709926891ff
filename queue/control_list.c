#include "queue/control_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 48000 /* a page ends when it has grown to this; one line more fits */
#define PAGE_FILES 512   /* and after so many files, whatever was in them */

/* --- the names, in order --------------------------------------------------------------------- */

static struct directory_ids names;
static bool                 names_are_whole;

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Reads the directory for who begins; who goes on sees what there was when one began last. */
static bool
read_names(const struct queue_directory *d, bool begins)
{
	if (names_are_whole && !begins)
		return true;
	names_are_whole = queue_directory_ids(d, &names);
	if (names.count > 1)
		qsort(names.ids, names.count, sizeof *names.ids, compare);
	return names_are_whole;
}

/* The index of the first name that is not less. */
static size_t
find_name(uint64_t id)
{
	size_t low = 0, high = names.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (names.ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- rows ---------------------------------------------------------------------------------------- */

const char *
list_state(const struct queue_file *f)
{
	if (f->held)
		return "held";
	return f->tries > 0 ? "deferred" : "queued";
}

static const char *
state_of(const struct queue_file *f, const struct file_recipient *r)
{
	if (queue_file_is_pending(r))
		return list_state(f);
	return queue_file_is_delivered(r) ? "delivered" : "failed";
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
	size_t len = r->code.len + 1 + r->text.len;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0') /* torn, and no field of a packet */
			text[i] = ' ';
	packet_add(p, slice_trim(slice_make(text, len)));
}

static void
add_recipient(struct packet *p, const char *name, const struct queue_file *f, const struct file_recipient *r)
{
	const struct file_recipient *original = queue_file_original(f, r);
	packet_add_text(p, name);
	packet_add_number(p, f->message_size);
	packet_add_number(p, f->arrival / 1000000);
	packet_add(p, f->sender);
	packet_add(p, r->address);
	packet_add(p, slice_equal(original->address, r->address) ? slice_of("") : original->address);
	packet_add_text(p, state_of(f, r));
	packet_add_number(p, f->tries);
	packet_add_number(p, f->next);
	add_reason(p, f, r);
}

int
list_open(const struct queue_directory *d, uint64_t id, struct queue_file *f)
{
	int fd = queue_directory_open_file(d, id, O_RDONLY);
	if (fd >= 0 && queue_file_read(fd, false, f) == FILE_OK)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The message of which a page could not hold all: so that its pages read it once. */
static struct {
	uint64_t          id; /* 0: none */
	struct queue_file file;
} large;

static void
forget_large(void)
{
	if (large.id != 0)
		queue_file_free(&large.file);
	large.id = 0;
}

static bool
read_message(const struct queue_directory *d, uint64_t id, uint64_t skip, struct queue_file *f)
{
	if (skip > 0 && large.id == id) {
		*f = large.file;
		large.id = 0;
		return true;
	}
	int fd = list_open(d, id, f);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Adds a message's recipients but the first `skip`. False: the page is full; `*shown` are there, and those before it. */
static bool
add_message(struct packet *p, const struct queue_directory *d, uint64_t id, uint64_t skip, uint64_t *shown)
{
	struct queue_file f;
	char name[ID_LETTERS + 1];
	id_print(id, name);
	*shown = 0;
	if (!read_message(d, id, skip, &f))
		return true;
	bool room = true;
	for (size_t i = 0; i < f.count && (room = p->len < PAGE_BYTES); i++)
		if (!f.recipients[i].expanded && (*shown)++ >= skip)
			add_recipient(p, name, &f, &f.recipients[i]);
	forget_large();
	if (!room) {
		large.id = id;
		large.file = f;
		return false;
	}
	queue_file_free(&f);
	return true;
}

/* --- pages ------------------------------------------------------------------------------------------ */

static struct packet rows;

static void
finish(struct packet *out, uint64_t next, uint64_t skip)
{
	char name[ID_LETTERS + 1] = "";
	if (next != 0)
		id_print(next, name);
	packet_add_text(out, name);
	packet_add_number(out, skip);
	packet_add_rest(out, slice_make(rows.data, rows.len));
}

bool
list_page(struct packet *out, const struct queue_directory *d, uint64_t from, uint64_t skip)
{
	if (!read_names(d, from == 0))
		return false;
	rows.len = 0;
	rows.failed = false;
	uint64_t next = 0, shown = 0;
	size_t at = find_name(from), stop = at + PAGE_FILES;
	for (; at < names.count && at < stop && rows.len < PAGE_BYTES; at++)
		if (!add_message(&rows, d, names.ids[at], names.ids[at] == from ? skip : 0, &shown))
			break;
		else
			shown = 0;
	if (at < names.count)
		next = names.ids[at];
	finish(out, next, shown);
	return true;
}

void
list_message(struct packet *out, const struct queue_directory *d, uint64_t id, uint64_t skip)
{
	rows.len = 0;
	rows.failed = false;
	uint64_t shown;
	bool whole = add_message(&rows, d, id, skip, &shown);
	finish(out, whole ? 0 : id, whole ? 0 : shown);
}
