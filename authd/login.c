#include "authd/login.h"

#include <pwd.h>
#include <string.h>

#include "lib/base/clock.h"
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

struct line
conversation_line(const struct conversation *c)
{
	return (struct line){.encrypted = c->encrypted, .certificate = c->certificate, .binding = c->binding};
}

static void
answer_hello(struct conversation *c, const char *tag, const char *refusal)
{
	struct str names = STR_MOST(1024);
	struct line line = conversation_line(c);
	if (refusal == NULL)
		offers_list(&service_of(c)->offers, &line, &names);
	packet_begin(&answer, refusal == NULL ? "ok" : "later");
	packet_add_text(&answer, tag);
	packet_add_text(&answer, refusal == NULL ? str_text(&names) : refusal);
	connection_send(&c->connection, &answer);
	str_free(&names);
}

/* Texts that do not fit are none: a binding that is cut would be a wrong one. */
static bool
take_text(char *into, size_t most, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	if (len > most)
		return false;
	memcpy(into, text != NULL ? text : "", len + 1);
	return true;
}

static bool
take_hello(struct conversation *c, struct packet *p)
{
	const char *name = packet_field(p), *client = packet_field(p), *line = packet_field(p);
	const char *certificate = packet_field(p), *binding = packet_field(p);
	if (line == NULL || !name_ok(name) || (strcmp(line, "tls") != 0 && strcmp(line, "plain") != 0) || packet_rest(p).len > 0)
		return false;
	c->encrypted = strcmp(line, "tls") == 0;
	/* What comes of TLS counts on a line with TLS, and when tlsd told it to a front of ours. */
	bool tls = c->encrypted && c->connection.uid != service_of(c)->stranger;
	return take_text(c->name, SERVICE_NAME_MOST, name) && take_text(c->client, CLIENT_ADDRESS_MOST, client) &&
	    take_text(c->certificate, CERTIFICATE_MOST, tls ? certificate : "") &&
	    take_text(c->binding, BINDING_MOST, tls ? binding : "");
}

static bool
hello(struct conversation *c, const char *tag, struct packet *p)
{
	if (c->exchange != NULL || !take_hello(c, p))
		return false;
	struct failures_answer past = failures_before(service_of(c)->failures, slice_of(c->client), slice_of(""), clock_ms());
	c->greeted = !past.refuse && count(c, c->client);
	if (past.refuse)
		log_warning("client-refused", log_text("client", c->client), log_text("service", c->name), log_text("reason", past.why),
		    log_text("hint", "it is let in again by itself; the settings failures_per_address, failures_exempt"));
	else if (!c->greeted)
		log_warning("too-many-conversations", log_text("client", c->client), log_text("service", c->name),
		    log_text("hint", "the setting sessions_per_address"));
	answer_hello(c, tag, past.refuse ? past.why : c->greeted ? NULL : "too many connections from this address");
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
	const struct passwd *stranger = socket_one_identity ? NULL : getpwnam("postern-authproxy");
	s->stranger = stranger != NULL ? stranger->pw_uid : (uid_t)-1;
	peers_add(&s->service.peers, "postern-smtpd");
	peers_add(&s->service.peers, "postern-imapd");
	peers_add(&s->service.peers, "postern-pop3d");
	peers_add(&s->service.peers, "postern-authproxy");
	return service_start(&s->service);
}
