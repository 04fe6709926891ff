#include "deliver/mailbox.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/socket.h"

#define SERVICE  "authd/lookup"
#define PATIENCE 5000  /* ms for authd to come back */
#define ANSWER   30000 /* ms for an answer */
#define FAREWELL 1000  /* ms for each answer to what was told */
#define STATUS_ROOM 16 /* bytes of an answer's first word */
#define TOLD_MOST 16   /* answers to mailbox_tell() before one to a question */

static void
disconnect(struct mailbox_client *c)
{
	if (c->socket >= 0)
		close(c->socket);
	c->socket = -1;
	c->told = 0;
}

/* The answer with this tag. Those before it are to what was told. */
static bool
receive(struct mailbox_client *c, uint64_t tag)
{
	for (int i = 0; i <= TOLD_MOST; i++) {
		uint64_t answered = 0;
		if (packet_receive_wait(c->socket, &c->packet, ANSWER) != PACKET_OK)
			return false;
		packet_close_descriptors(&c->packet);
		packet_verb(&c->packet);
		if (!packet_field_number(&c->packet, UINT64_MAX, &answered) || answered > tag)
			return false;
		if (answered == tag)
			return true;
	}
	return false;
}

/* One question and its answer. After a failure the connection is of no use: a late answer would be taken for the next one's. */
static bool
ask_once(struct mailbox_client *c, const char *verb, const char *address)
{
	if (c->socket < 0)
		c->socket = socket_connect(SERVICE, PATIENCE);
	if (c->socket < 0)
		return false;
	uint64_t tag = ++c->last_tag;
	packet_begin(&c->packet, verb);
	packet_add_number(&c->packet, tag);
	packet_add_text(&c->packet, address);
	bool ok = packet_send_wait(c->socket, &c->packet, ANSWER) == PACKET_OK && receive(c, tag);
	c->told = 0;
	if (!ok)
		disconnect(c);
	return ok;
}

/* A connection that was idle while authd restarted fails once. `status` (16 bytes) becomes the answer's; what follows can be read. */
static bool
ask(struct mailbox_client *c, const char *verb, const char *address, char *status)
{
	bool kept = c->socket >= 0;
	if (!ask_once(c, verb, address) && (!kept || !ask_once(c, verb, address)))
		return false;
	/* The verb comes first; the tag behind it was read already. */
	snprintf(status, STATUS_ROOM, "%s", packet_verb(&c->packet));
	packet_field(&c->packet);
	return true;
}

static struct outcome
not_now(const char *why)
{
	log_warning("lookup-failed", log_text("socket", SERVICE), log_text("reason", why),
	    log_text("hint", "is postern-authd running, and its database?"));
	return outcome_make("4.3.0", "the table of mailboxes is not available");
}

/* USER MAILDIR QUOTA-BYTES QUOTA-MESSAGES EXTENSION [DOMAIN-BYTES] */
static bool
read_mailbox(struct packet *p, struct mailbox *m)
{
	m->user = packet_field(p);
	m->maildir = packet_field(p);
	m->domain_limit = 0;
	if (!packet_field_number(p, INT64_MAX, &m->limits.bytes) || !packet_field_number(p, INT64_MAX, &m->limits.messages))
		return false;
	m->extension = packet_field(p);
	return m->extension != NULL && (packet_rest(p).len == 0 || packet_field_number(p, INT64_MAX, &m->domain_limit));
}

void
mailbox_tell(struct mailbox_client *c, const char *user, struct quota_amount used)
{
	static struct packet told;
	if (c->socket < 0 || c->told == TOLD_MOST)
		return;
	packet_begin(&told, "usage");
	packet_add_number(&told, ++c->last_tag);
	packet_add_text(&told, user);
	packet_add_number(&told, used.bytes);
	packet_add_number(&told, used.messages);
	if (packet_send(c->socket, &told) == PACKET_OK)
		c->told++;
}

void
mailbox_close(struct mailbox_client *c)
{
	for (; c->told > 0 && packet_receive_wait(c->socket, &c->packet, FAREWELL) == PACKET_OK; c->told--)
		packet_close_descriptors(&c->packet);
	disconnect(c);
}

struct outcome
mailbox_find(struct mailbox_client *c, const char *address, struct mailbox *mailbox)
{
	char status[STATUS_ROOM];
	if (!ask(c, "mailbox", address, status))
		return not_now("no answer");
	if (strcmp(status, "no") == 0)
		return outcome_make("5.1.1", "no such mailbox");
	if (strcmp(status, "ok") == 0 && read_mailbox(&c->packet, mailbox))
		return outcome_done();
	const char *why = strcmp(status, "later") == 0 ? packet_field(&c->packet) : NULL;
	return not_now(why != NULL ? why : "malformed answer");
}

/* Under the sender himself, or (a stranger's address) under what authd says. */
static struct outcome
forward_to_stranger(struct mailbox_client *c, const char *sender, struct str *as)
{
	char status[STATUS_ROOM];
	if (!ask(c, "forward", sender, status))
		return not_now("no answer");
	const char *field = strcmp(status, "ok") == 0 ? packet_field(&c->packet) : NULL;
	if (field == NULL && strcmp(status, "no") != 0)
		return not_now("it cannot say under which sender mail is forwarded");
	str_clear(as);
	return str_append_text(as, field != NULL ? field : sender) ? outcome_done() : outcome_make("4.3.0", "no memory");
}

struct outcome
mailbox_forward(struct mailbox_client *c, const char *target, const char *sender, struct str *as)
{
	char status[STATUS_ROOM];
	if (!ask(c, "rcpt", target, status))
		return not_now("no answer");
	const char *class = strcmp(status, "ok") == 0 ? packet_field(&c->packet) : NULL;
	if (class == NULL)
		return not_now("it cannot say what the address of a redirect is");
	if (strcmp(class, "foreign") == 0 && sender[0] != '\0')
		return forward_to_stranger(c, sender, as);
	return str_append_text(as, sender) ? outcome_done() : outcome_make("4.3.0", "no memory");
}
