#include "authd/login.h"

#include <string.h>

#include "lib/base/log.h"

static struct packet answer;

static struct login_service *
service_of(struct conversation *c)
{
	return (struct login_service *)c->connection.service;
}

static void
stop_counting(struct conversation *c)
{
	if (c->counted)
		sessions_leave(&service_of(c)->sessions, &c->key);
	c->counted = false;
}

/* Counted once a conversation: it greets again after STARTTLS. */
static bool
count(struct conversation *c, const char *client)
{
	struct session_key key;
	bool counts = session_key_of(client, &key);
	if (c->counted && counts && memcmp(&key, &c->key, sizeof key) == 0)
		return true;
	stop_counting(c);
	if (!counts)
		return true;
	c->key = key;
	c->counted = sessions_enter(&service_of(c)->sessions, &key);
	return c->counted;
}

static bool
name_ok(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < len; i++)
		if (!ascii_is_alnum((unsigned char)name[i]) && name[i] != '-')
			return false;
	return len > 0 && len <= SERVICE_NAME_MOST;
}

static void
answer_hello(struct conversation *c, const char *tag, bool welcome)
{
	bool may = c->encrypted || service_of(c)->plain_without_tls;
	packet_begin(&answer, welcome ? "ok" : "later");
	packet_add_text(&answer, tag);
	packet_add_text(&answer, welcome ? (may ? "PLAIN LOGIN" : "") : "too many connections from this address");
	connection_send(&c->connection, &answer);
}

/* An optional field; NULL is none. */
static bool
keep(char *place, size_t most, const char *field)
{
	size_t len = field != NULL ? strlen(field) : 0;
	if (len > most)
		return false;
	memcpy(place, field != NULL ? field : "", len + 1);
	return true;
}

static bool
hello(struct conversation *c, const char *tag, struct packet *p)
{
	const char *name = packet_field(p), *client = packet_field(p), *line = packet_field(p);
	const char *certificate = packet_field(p), *binding = packet_field(p);
	if (line == NULL || c->exchange != NULL || !name_ok(name) || strlen(client) > CLIENT_ADDRESS_MOST)
		return false;
	if (strcmp(line, "tls") != 0 && strcmp(line, "plain") != 0)
		return false;
	if (!keep(c->certificate, CERTIFICATE_MOST, certificate) || !keep(c->binding, BINDING_MOST, binding))
		return false;
	c->encrypted = strcmp(line, "tls") == 0;
	memcpy(c->name, name, strlen(name) + 1);
	memcpy(c->client, client, strlen(client) + 1);
	c->greeted = count(c, client);
	if (!c->greeted)
		log_warning("too-many-conversations", log_text("client", client), log_text("service", name),
		    log_text("hint", "the setting sessions_per_address"));
	answer_hello(c, tag, c->greeted);
	return true;
}

/* Which request, and when: all else ends the conversation. */
static bool
login_request(struct connection *connection, struct packet *p)
{
	struct conversation *c = (struct conversation *)connection;
	const char *verb = packet_verb(p), *tag = packet_field(p);
	if (tag == NULL || strlen(tag) > TAG_MOST)
		return false;
	if (strcmp(verb, "hello") == 0)
		return hello(c, tag, p);
	if (!c->greeted)
		return false;
	if (strcmp(verb, "auth") == 0)
		return exchange_auth(c, tag, p);
	if (strcmp(verb, "more") == 0)
		return exchange_more(c, tag, p);
	if (strcmp(verb, "password") == 0)
		return exchange_password(c, tag, p);
	if (strcmp(verb, "cancel") == 0)
		return exchange_cancel(c, tag);
	return false;
}

static void
login_closed(struct connection *connection)
{
	struct conversation *c = (struct conversation *)connection;
	exchange_abandon(c);
	stop_counting(c);
}

bool
login_start(struct login_service *s)
{
	s->service.name = "authd/login";
	s->service.request = login_request;
	s->service.closed = login_closed;
	s->service.connection_size = sizeof(struct conversation);
	s->service.most = SESSIONS_MOST;
	peers_add(&s->service.peers, "postern-smtpd");
	peers_add(&s->service.peers, "postern-imapd");
	peers_add(&s->service.peers, "postern-pop3d");
	return service_start(&s->service);
}
