/* sources: authd/proxy_dovecot.c authd/proxy_courier.c authd/proxy_saslauthd.c authd/proxy_client.c */
/*
 * A peer's whole side of a conversation in each of the three protocols: the
 * first byte of the input chooses one, the second what authd answers. The
 * stream, the logins and the lookup are stood in for by functions of their
 * names, which check what authd would have been told and what the peer is told.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/proxy_login.h"
#include "authd/proxy_protocols.h"
#include "lib/base/log.h"
#include "lib/ipc/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOGINS 80

struct proxy_login {
	login_handler *handler; /* NULL: free */
	void          *context;
	bool           dialogue, turn; /* of a mechanism; the client's */
};

struct question {
	answer_handler *handler;
	void           *context;
};

static struct proxy_login logins[LOGINS];
static struct question    question;
static unsigned           answers; /* four bits for each: what authd says next */
static struct packet      packet;

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static bool
chosen(unsigned most, unsigned *number)
{
	answers = answers * 1103515245u + 12345u;
	*number = answers >> 16 & 15;
	return *number < most;
}

/* --- the stream ---------------------------------------------------------------------- */

struct slice
stream_input(const struct stream *s)
{
	return slice_make(s->in, s->in_len);
}

void
stream_take(struct stream *s, size_t len)
{
	check(len > 0 && len <= s->in_len);
	memmove(s->in, s->in + len, s->in_len - len);
	s->in_len -= len;
}

/* Dovecot's and Courier's answers are whole lines; nothing in them that came from elsewhere makes another line of them. */
void
stream_say(struct stream *s, struct slice bytes)
{
	static const char *const verbs[] = {"VERSION\t", "MECH\t", "SPID\t", "CUID\t", "COOKIE\t", "DONE", "OK\t", "CONT\t", "FAIL",
	    "UID=", "GID=", "ADDRESS=", "HOME=", "MAILDIR=", "QUOTA=", "."};
	struct stream_service *service = (struct stream_service *)s->connection.service;
	check(bytes.len > 0 && !s->ending);
	if (service == &proxy_saslauthd) {
		check(bytes.len == 4);
		return;
	}
	check(slice_ends(bytes, "\n") && !slice_has(bytes, '\0'));
	for (struct slice line; slice_split(&bytes, '\n', &line);) {
		size_t i = 0;
		while (i < sizeof verbs / sizeof *verbs && !slice_starts(line, verbs[i]))
			i++;
		check(i < sizeof verbs / sizeof *verbs && !slice_has(line, '\r'));
	}
}

void
stream_resume(struct stream *s)
{
	s->busy = false;
}

void
stream_finish(struct stream *s)
{
	s->ending = true;
}

void
stream_abort(struct stream *s)
{
	s->connection.closing = true;
}

/* --- authd ------------------------------------------------------------------------------ */

static struct proxy_login *
begin(login_handler *handler, void *context, bool dialogue)
{
	for (size_t i = 0; i < LOGINS; i++) {
		if (logins[i].handler != NULL)
			continue;
		logins[i] = (struct proxy_login){.handler = handler, .context = context, .dialogue = dialogue};
		return &logins[i];
	}
	return NULL;
}

static void
check_client(const struct proxy_client *who)
{
	size_t service = strlen(who->service), address = strlen(who->address);
	check(service > 0 && service <= LOGIN_SERVICE_MOST && address > 0 && address <= LOGIN_ADDRESS_MOST);
	check(strspn(who->address, "0123456789abcdefABCDEF.:") == address);
}

struct proxy_login *
proxy_login_mechanisms(login_handler *handler, void *context)
{
	return begin(handler, context, false);
}

struct proxy_login *
proxy_login_auth(const struct proxy_client *who, struct slice mechanism, struct slice initial, login_handler *handler, void *context)
{
	check_client(who);
	check(mechanism.len > 0 && !slice_has(mechanism, '\0') && !slice_has(initial, '\0') && !slice_has(initial, '\n'));
	return begin(handler, context, true);
}

struct proxy_login *
proxy_login_password(const struct proxy_client *who, struct slice user, struct slice password, login_handler *handler, void *context)
{
	check_client(who);
	check(!slice_has(user, '\0') && !slice_has(password, '\0'));
	return begin(handler, context, false);
}

bool
proxy_login_more(struct proxy_login *l, struct slice response)
{
	check(l->handler != NULL && !slice_has(response, '\0'));
	bool turn = l->turn;
	l->turn = false;
	return turn;
}

void
proxy_login_end(struct proxy_login *l)
{
	check(l->handler != NULL);
	l->handler = NULL;
}

void
client_begin(struct client *c, struct packet *p, const char *verb)
{
	(void)c;
	packet_begin(p, verb);
	packet_add_number(p, 1);
}

struct question *
client_ask(struct client *c, const struct packet *p, answer_handler *handler, void *context)
{
	(void)c;
	check(!p->failed && question.handler == NULL);
	question = (struct question){handler, context};
	return &question;
}

void
client_forget(struct client *c, struct question *q)
{
	(void)c;
	check(q == &question);
	question.handler = NULL;
}

static void
answer_login(struct proxy_login *l, bool greeting)
{
	static const char *const texts[] = {"ann@example.test", "a\tb\nOK\t1\tuser=root\r\001", ""};
	unsigned what;
	login_handler *handler = l->handler;
	if (l->dialogue && chosen(4, &what)) {
		l->turn = true;
		handler(l->context, LOGIN_MORE, "VXNlcm5hbWU6");
		return;
	}
	l->handler = NULL;
	chosen(0, &what);
	static const enum login_result results[] = {LOGIN_OK, LOGIN_NO, LOGIN_LATER};
	handler(l->context, results[what % 3], greeting ? "PLAIN SCRAM-SHA-256 EXTERNAL" : texts[what / 3 % 3]);
}

static void
answer_question(void)
{
	static const char *const users[] = {"ann@example.test", "a\nPASSWD=x"}, *const maildirs[] = {"d/ann/", "d/ann/Maildir/", "", "/", "a\nb"};
	unsigned what;
	answer_handler *handler = question.handler;
	question.handler = NULL;
	chosen(0, &what);
	packet_begin(&packet, what < 8 ? "ok" : what < 12 ? "no" : "later");
	packet_add_text(&packet, users[what & 1]);
	packet_add_text(&packet, maildirs[what % 5]);
	packet_add_number(&packet, what & 2 ? 5242880 : 0);
	packet_add_number(&packet, what & 4 ? 1000 : 0);
	const char *status = packet_verb(&packet);
	handler(question.context, what == 15 ? NULL : status, what == 15 ? NULL : &packet);
}

static void
answer_all(const struct stream *s, bool greeting)
{
	for (size_t i = 0; i < LOGINS && !s->connection.closing; i++)
		if (logins[i].handler != NULL && !logins[i].turn)
			answer_login(&logins[i], greeting);
	if (question.handler != NULL && !s->connection.closing)
		answer_question();
}

/* --- the peer ------------------------------------------------------------------------------ */

static void
converse(struct stream_service *service, struct stream *s, const uint8_t *data, size_t size)
{
	while (size > 0 && !s->connection.closing && !s->ending) {
		size_t part = size < 300 ? size : 300;
		memcpy(s->in + s->in_len, data, part);
		s->in_len += part;
		data += part;
		size -= part;
		enum stream_step step = STREAM_TAKEN;
		while (step == STREAM_TAKEN && s->in_len > 0 && !s->busy && !s->connection.closing && !s->ending) {
			size_t before = s->in_len;
			s->why = NULL;
			step = service->take(s);
			check(step != STREAM_TAKEN || s->in_len < before);
			check(step != STREAM_BAD || s->why != NULL);
			answer_all(s, false);
		}
		if (step == STREAM_BAD || s->busy)
			return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream_service *const services[] = {&proxy_dovecot, &proxy_courier, &proxy_saslauthd};
	if (size < 2 || size > STREAM_REQUEST_MOST)
		return 0;
	log_set_level(LOG_ERROR + 1);
	struct stream_service *service = services[data[0] % 3];
	answers = data[1];
	proxy_courier_homes.mail_root = "/var/vmail";
	struct stream *s = calloc(1, service->size);
	if (s == NULL || (s->in = malloc(STREAM_REQUEST_MOST)) == NULL)
		abort();
	s->connection.service = &service->service;
	check(service->opened == NULL || service->opened(s));
	answer_all(s, true);
	converse(service, s, data + 2, size - 2);
	s->connection.closing = true;
	service->closed(s);
	for (size_t i = 0; i < LOGINS; i++)
		check(logins[i].handler == NULL);
	check(question.handler == NULL);
	free(s->in);
	free(s);
	return 0;
}
