#include "queue/bcc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/log.h"
#include "lib/base/number.h"

#define WINDOW    64 /* questions of one message that are under way */
#define BYTES_MOST (1u << 20)

struct bcc {
	struct str  addresses; /* each with a NUL behind it */
	size_t      count;
	size_t      next;      /* the recipient that is asked about next */
	size_t      under_way;
	bool        sender;    /* was asked about */
	bool        failed;
	const char *why;
};

void
bcc_free(struct bcc *b)
{
	if (b != NULL)
		str_free(&b->addresses);
	free(b);
}

static void
add(struct bcc *b, struct slice address)
{
	if (address.len == 0 || address.len > 1024 || ascii_has_control(address))
		return;
	str_append_slice(&b->addresses, address);
	str_append_byte(&b->addresses, '\0');
	b->count++;
}

/* --- is it due? ------------------------------------------------------------------------ */

static bool
asks_for_sender(void)
{
	const struct queue_settings *s = manager.settings;
	return s->sender_bcc[0] != '\0' || s->sql_sender_bcc[0] != '\0';
}

static bool
asks_for_recipients(void)
{
	const struct queue_settings *s = manager.settings;
	return s->recipient_bcc[0] != '\0' || s->sql_recipient_bcc[0] != '\0';
}

/* Bounces and notices. Whoever else says so of his message is not believed. */
static bool
is_our_own(const struct queue_file *f)
{
	struct slice origin, said;
	uint64_t uid;
	return queue_file_with(f, "origin", &origin) && queue_file_with(f, "uid", &said) && number_parse(said, UINT32_MAX, &uid) &&
	    uid == geteuid();
}

static bool
is_due(const struct message *m)
{
	if (manager.settings->always_bcc[0] == '\0' && !asks_for_sender() && !asks_for_recipients())
		return false;
	/* The block says that it was done, for nobody too: losing it in a power cut costs a second copy, never the copy. */
	return !m->file.copied && !is_our_own(&m->file);
}

/* --- the end ----------------------------------------------------------------------------- */

static bool
write_block(struct message *m, const struct bcc *b)
{
	struct slice *addresses = calloc(b->count + 1, sizeof *addresses);
	struct slice rest = str_slice(&b->addresses);
	int fd = addresses != NULL ? message_open_for_writing(m) : -1;
	for (size_t i = 0; addresses != NULL && i < b->count; i++)
		slice_split(&rest, '\0', &addresses[i]);
	bool ok = fd >= 0 && m->file.count + b->count <= FILE_RECIPIENTS_MOST && queue_file_copy(fd, &m->file, addresses, b->count);
	if (ok && b->count > 0)
		log_info("copies", log_text("queue", m->name), log_number("count", (int64_t)b->count), log_slice("to", addresses[0]));
	free(addresses);
	return ok;
}

static void
finish(struct message *m)
{
	struct bcc *b = m->bcc;
	m->bcc = NULL;
	if (b->addresses.failed || b->failed || !write_block(m, b)) {
		log_error("copies-not-added", log_text("queue", m->name), log_text("reason", b->failed ? b->why : "the file could not be written"),
		    log_text("hint", "the message waits until it is known who gets a copy (always_bcc, sender_bcc, recipient_bcc)"));
		m->broken = true;
	}
	bcc_free(b);
	message_advance(m);
}

/* --- the questions ------------------------------------------------------------------------- */

static void go_on(struct message *m);

static void
answered(void *context, const char *status, struct packet *answer)
{
	struct message *m = context;
	struct bcc *b = m->bcc;
	b->under_way--;
	if (status == NULL || strcmp(status, "later") == 0) {
		b->failed = true;
		b->why = "postern-authd cannot say now";
	}
	for (const char *field; status != NULL && strcmp(status, "ok") == 0 && (field = packet_field(answer)) != NULL;)
		add(b, slice_of(field));
	go_on(m);
}

static void
ask(struct message *m, const char *verb, struct slice address)
{
	client_begin(&manager.lookup, &manager.out, verb);
	packet_add(&manager.out, address);
	if (client_ask(&manager.lookup, &manager.out, answered, m) != NULL) {
		m->bcc->under_way++;
		return;
	}
	m->bcc->failed = true;
	m->bcc->why = "no memory";
}

static void
go_on(struct message *m)
{
	struct bcc *b = m->bcc;
	if (!b->sender && asks_for_sender() && m->file.sender.len > 0)
		ask(m, "sender_bcc", m->file.sender);
	b->sender = true;
	while (asks_for_recipients() && !b->failed && b->under_way < WINDOW && b->next < m->file.count)
		ask(m, "recipient_bcc", m->file.recipients[b->next++].address);
	if (b->under_way == 0)
		finish(m);
}

bool
bcc_begin(struct message *m)
{
	if (!is_due(m))
		return false;
	m->bcc = calloc(1, sizeof *m->bcc);
	if (m->bcc == NULL) {
		m->broken = true;
		return false;
	}
	m->bcc->addresses = STR_MOST(BYTES_MOST);
	add(m->bcc, slice_of(manager.settings->always_bcc));
	go_on(m);
	return true;
}
