#include "deliver/lmtp_services.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"

/* Milliseconds. */
#define PATIENCE_LOOKUP  30000
#define PATIENCE_DELIVER 300000

/* --- opening ---------------------------------------------------------------------- */

static bool
away(const char *what, const char *name, const char *hint)
{
	log_error("service-away", log_text("service", what), log_text("name", name), log_errno(), log_text("hint", hint));
	return false;
}

/* A file without a name is gone with its last descriptor, whatever happens to us. */
static bool
open_spool(struct lmtp_services *v, const char *directory)
{
	char path[64];
	v->spool = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (v->spool < 0)
		return away("spool", directory, "make the directory, owned by postern-lmtpd, mode 700");
	snprintf(path, sizeof path, "/proc/self/fd/%d", v->spool);
	v->reading = open(path, O_RDONLY | O_CLOEXEC);
	return v->reading >= 0 || away("spool", path, "mount /proc");
}

bool
lmtp_services_open(struct lmtp_services *v, const char *directory)
{
	return neighbour_open(&v->lookup, "authd/lookup") && neighbour_open(&v->deliver, "lmtp/deliver") && open_spool(v, directory);
}

/* --- asking ------------------------------------------------------------------------- */

/* LMTP delivers into mailboxes: an alias was for the server before us to resolve. */
static struct outcome
outcome_of_class(const struct lmtp_config *config, const char *class)
{
	if (strcmp(class, "mailbox") == 0)
		return outcome_make("2.1.5", "Ok");
	if (strcmp(class, "full") == 0)
		return outcome_make(config->over_quota_code < 500 ? "4.2.2" : "5.2.2", "%s", config->over_quota_text);
	if (strcmp(class, "unknown") == 0)
		return outcome_make("5.1.1", "User unknown");
	return outcome_make("5.1.1", "Not a mailbox of this server");
}

struct outcome
lmtp_ask_recipient(struct lmtp_session *s, struct slice address)
{
	neighbour_begin(&s->services.lookup, &s->packet, "rcpt");
	packet_add(&s->packet, address);
	const char *status = neighbour_ask(&s->services.lookup, &s->packet, PATIENCE_LOOKUP);
	const char *field = status != NULL ? packet_field(&s->packet) : NULL;
	if (field != NULL && strcmp(status, "ok") == 0)
		return outcome_of_class(s->config, field);
	log_warning("lookup-later", log_slice("address", address),
	    log_text("reason", field != NULL ? field : "authd is away"));
	return outcome_make("4.3.0", "Temporary lookup failure");
}

void
lmtp_deliver(struct lmtp_session *s, const char *address, uint64_t size)
{
	neighbour_begin(&s->services.deliver, &s->packet, "deliver");
	packet_add_text(&s->packet, s->message_id);
	packet_add(&s->packet, str_slice(&s->sender));
	packet_add_text(&s->packet, address);
	packet_add_text(&s->packet, address);
	packet_add_number(&s->packet, 0);
	packet_add_number(&s->packet, size);
	packet_add_descriptor(&s->packet, s->services.reading);
	neighbour_send(&s->services.deliver, &s->packet, PATIENCE_DELIVER);
}

struct outcome
lmtp_delivered(struct lmtp_session *s)
{
	struct outcome o;
	const char *status = neighbour_await(&s->services.deliver, &s->packet, ++s->services.answered, PATIENCE_DELIVER);
	if (status != NULL && strcmp(status, "result") == 0 && packet_field_outcome(&s->packet, &o))
		return o;
	return outcome_make("4.3.0", "The delivery was interrupted");
}
