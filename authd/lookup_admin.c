#include <string.h>
#include <unistd.h>

#include "authd/lookup.h"
#include "authd/permit.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"

static struct packet answer;

static struct lookup_service *
service_of(struct connection *c)
{
	return (struct lookup_service *)c->service;
}

/* What tells of tables and empties the cache is not for the programs at the network. */
static bool
is_administrator(const struct connection *c)
{
	return c->uid == 0 || c->uid == geteuid();
}

/* What one program tells is not another's to tell. */
static bool
is_one_of(const struct peers *peers, const struct connection *c)
{
	for (size_t i = 0; i < peers->count; i++)
		if (peers->uids[i] == c->uid)
			return true;
	return is_administrator(c);
}

static void
say(struct connection *c, const char *status, const char *tag)
{
	packet_begin(&answer, status);
	packet_add_text(&answer, tag);
	connection_send(c, &answer);
}

/* --- explain ------------------------------------------------------------------------- */

static const struct {
	const char       *name;
	enum inquiry_kind kind;
	size_t            further; /* fields behind the address */
} kinds[] = {
    {"rcpt", INQUIRY_RCPT, 0},
    {"alias", INQUIRY_ALIAS, 0},
    {"mailbox", INQUIRY_MAILBOX, 0},
    {"transport", INQUIRY_TRANSPORT, 0},
    {"way", INQUIRY_WAY, 1},          /* the sender */
    {"sender_bcc", INQUIRY_SENDER_BCC, 0},
    {"recipient_bcc", INQUIRY_RECIPIENT_BCC, 0},
    {"forward", INQUIRY_FORWARD, 0},
    {"relay_login", INQUIRY_RELAY_LOGIN, 1}, /* the next hop */
    {"sender", INQUIRY_SENDER, 1},    /* the login */
    {"home", INQUIRY_HOME, 0},
    {"password", INQUIRY_PASSWORD, 2}, /* service, client's address */
};

static void
send_story(struct connection *c, const struct resolution *r)
{
	packet_begin(&answer, "story");
	packet_add_text(&answer, inquiry_tag(r));
	packet_add_rest(&answer, inquiry_story(r));
	connection_send(c, &answer);
}

static void
add_line(struct resolution *r, const char *head, const char *text)
{
	if (r->facts.story == NULL || text == NULL || text[0] == '\0')
		return;
	str_append_format(r->facts.story, "%s: %s", head, text);
	str_append_byte(r->facts.story, '\0');
}

/* Which of a login's rows would count: what a person is likely to have overlooked. */
static void
judge_rows(struct resolution *r)
{
	struct slice fields = str_slice(&r->fields), user, rows = slice_of("");
	struct permit permit;
	if (slice_split(&fields, '\0', &user))
		slice_split(&fields, '\0', &rows);
	permit_rows(&permit, rows, r->facts.service, r->facts.client);
	add_line(r, permit.rows.len > 0 ? "a row does not count" : "likely mistake", permit.why);
	if (permit.user.len > 0)
		add_line(r, "the row logs in as", str_text(&permit.user));
	permit_free(&permit);
}

static void
explained(void *owner, struct resolution *r, enum verdict v)
{
	struct connection *c = owner;
	if (r->kind == INQUIRY_PASSWORD && v == VERDICT_OK)
		judge_rows(r);
	else if (v == VERDICT_NO)
		add_line(r, "likely mistake", r->why);
	/* The password stays here. */
	if (r->kind == INQUIRY_RELAY_LOGIN && v == VERDICT_OK)
		str_truncate(&r->fields, slice_find(str_slice(&r->fields), '\0') + 1);
	send_story(c, r);
	if (r->kind != INQUIRY_PASSWORD || v != VERDICT_OK) {
		lookup_answer(c, inquiry_tag(r), r, v);
		return;
	}
	/* The hash stays here. */
	say(c, "ok", inquiry_tag(r));
}

bool
lookup_explain(struct connection *c, const char *tag, struct packet *p)
{
	const char *name = packet_field(p), *address = packet_field(p), *one = packet_field(p), *two = packet_field(p);
	if (!is_administrator(c) || address == NULL)
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		size_t given = (size_t)(one != NULL) + (two != NULL);
		bool password = kinds[i].kind == INQUIRY_PASSWORD, login = kinds[i].further == 1;
		if (given != kinds[i].further || packet_rest(p).len > 0)
			return false;
		struct question q = {.kind = kinds[i].kind, .address = address, .login = login ? one : "", .service = password ? one : "",
		    .client = password ? two : "", .tag = tag, .explain = true};
		if (!inquiry_start(service_of(c)->inquiries, &q, explained, c))
			lookup_answer_later(c, tag, "no memory, or an address longer than 1024 bytes");
		return true;
	}
	return false;
}

/* --- the cache ------------------------------------------------------------------------ */

bool
lookup_flush(struct connection *c, const char *tag, struct packet *p)
{
	if (!is_administrator(c) || packet_rest(p).len > 0)
		return false;
	log_info("cache-flushed");
	if (cache_flush(service_of(c)->inquiries->source.cache))
		say(c, "ok", tag);
	else
		lookup_answer_later(c, tag, "memory is empty, but the file could not be removed: see the log of postern-authd");
	return true;
}

bool
lookup_counters(struct connection *c, const char *tag, struct packet *p)
{
	if (!is_administrator(c) || packet_rest(p).len > 0)
		return false;
	const struct cache_counters *n = cache_count(service_of(c)->inquiries->source.cache);
	const struct {
		const char *name;
		uint64_t    number;
	} counters[] = {
	    {"hits", n->hits}, {"stale", n->stale}, {"misses", n->misses}, {"negative", n->negative}, {"evicted", n->evicted},
	    {"damaged", n->damaged}, {"writes", n->writes}, {"failed-writes", n->failed_writes}, {"flushes", n->flushes},
	    {"records", n->records}, {"bytes", n->bytes}, {"file-records", n->file_records}, {"file-bytes", n->file_bytes},
	};
	packet_begin(&answer, "ok");
	packet_add_text(&answer, tag);
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		packet_add_text(&answer, counters[i].name);
		packet_add_number(&answer, counters[i].number);
	}
	connection_send(c, &answer);
	return true;
}

/* --- what is told ----------------------------------------------------------------------- */

static void
fold(struct str *into, const char *text)
{
	*into = STR_MOST(MAP_KEY_MOST);
	address_append_lower(into, slice_of(text));
}

bool
lookup_outgoing(struct connection *c, const char *tag, struct packet *p)
{
	struct outgoing_state state;
	struct str login;
	uint64_t recipients;
	const char *name = packet_field(p);
	if (!is_one_of(&service_of(c)->senders, c) || name == NULL || !packet_field_number(p, UINT32_MAX, &recipients) ||
	    packet_rest(p).len > 0)
		return false;
	fold(&login, name);
	enum outgoing_verdict v = outgoing_count(service_of(c)->outgoing, str_slice(&login), recipients, clock_unix(), &state);
	packet_begin(&answer, "ok");
	packet_add_text(&answer, tag);
	packet_add_text(&answer, v == OUTGOING_PASS ? "pass" : "hold");
	if (v == OUTGOING_HOLD_FIRST)
		log_warning("outgoing-limit", log_slice("login", str_slice(&login)), log_text("reason", state.why),
		    log_text("hint", "its mail is held: see postern-mailq, then postern-queuectl release or delete; the settings outgoing_hour,"
		                     " outgoing_day, outgoing_limits"));
	if (v != OUTGOING_PASS) {
		packet_add_text(&answer, state.why);
		packet_add_text(&answer, v == OUTGOING_HOLD_FIRST ? "first" : "again");
	}
	str_free(&login);
	connection_send(c, &answer);
	return true;
}

bool
lookup_usage(struct connection *c, const char *tag, struct packet *p)
{
	struct usage_record record;
	struct str user;
	const char *name = packet_field(p);
	if (!is_one_of(&service_of(c)->tellers, c) || name == NULL || !packet_field_number(p, INT64_MAX, &record.bytes) ||
	    !packet_field_number(p, INT64_MAX, &record.messages) || packet_rest(p).len > 0)
		return false;
	fold(&user, name);
	usage_tell(service_of(c)->inquiries->options.usage, str_slice(&user), record);
	str_free(&user);
	say(c, "ok", tag);
	return true;
}
