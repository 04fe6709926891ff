#include "authd/proxy_login.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/ipc/client.h"

#define PATIENCE    60000 /* ms for an answer; authd itself gives up sooner */
#define RETRY_AFTER 2000  /* ms; a supervisor starts authd anew after a second */
#define RETRIES     2
#define FIELDS_MOST 3

/*
 *   GREETING   hello was sent (perhaps again); `fields` wait
 *   ASKED      authd has the blob or the password
 *   TURN       authd's challenge is with the client
 *   OVER       waits to be freed: the handlers that are running still use it
 */
struct proxy_login {
	struct client       client;
	enum { GREETING, ASKED, TURN, OVER } state;
	struct proxy_client who;
	bool                dialogue; /* challenges may come */
	int                 retries;
	struct timer        timer; /* of a retry, or of the client's turn */
	login_handler      *handler;
	void               *context;
	struct proxy_login *next;  /* of those that are over */
	size_t              count; /* of the fields: "auth", the mechanism, the blob; 0: only the mechanisms are asked for */
	struct slice        fields[FIELDS_MOST];
	size_t              len;
	char                secret[]; /* what the fields point to */
};

static struct packet       packet;
static size_t              under_way;
static struct proxy_login *over;
static struct timer        reaper;

static void
reap(struct timer *t)
{
	(void)t;
	while (over != NULL) {
		struct proxy_login *l = over;
		over = l->next;
		under_way--;
		free(l);
	}
}

void
proxy_login_end(struct proxy_login *l)
{
	if (l->state == OVER)
		return;
	l->state = OVER;
	client_close(&l->client);
	timer_cancel(&l->timer);
	explicit_bzero(l->secret, l->len);
	l->next = over;
	over = l;
	reaper.fire = reap;
	timer_set(&reaper, 0);
}

static void
finish(struct proxy_login *l, enum login_result result, const char *text)
{
	proxy_login_end(l);
	l->handler(l->context, result, text != NULL ? text : "authd says nothing");
}

/* --- steps ------------------------------------------------------------------------------- */

static void ask(struct proxy_login *l, answer_handler *handler);

static void
challenge(struct proxy_login *l, const char *blob)
{
	l->state = TURN;
	if (blob == NULL || !l->dialogue || !timer_set(&l->timer, LOGIN_TURN_MOST))
		finish(l, LOGIN_LATER, "no memory, or authd's challenge is malformed");
	else
		l->handler(l->context, LOGIN_MORE, blob);
}

static void
answered(void *context, const char *status, struct packet *answer)
{
	struct proxy_login *l = context;
	if (status == NULL) {
		finish(l, LOGIN_LATER, "authd was lost");
		return;
	}
	const char *text = packet_field(answer);
	if (strcmp(status, "more") == 0)
		challenge(l, text);
	else if (strcmp(status, "ok") == 0 && text != NULL && text[0] != '\0')
		finish(l, LOGIN_OK, text);
	else
		finish(l, strcmp(status, "no") == 0 ? LOGIN_NO : LOGIN_LATER, text);
}

static void
say_credentials(struct proxy_login *l)
{
	char verb[16];
	memcpy(verb, l->fields[0].data, l->fields[0].len);
	verb[l->fields[0].len] = '\0';
	client_begin(&l->client, &packet, verb);
	for (size_t i = 1; i < l->count; i++)
		packet_add(&packet, l->fields[i]);
	l->state = ASKED;
	ask(l, answered);
	explicit_bzero(l->secret, l->len);
}

static void say_hello(struct proxy_login *l);

static void
retry(struct timer *t)
{
	struct proxy_login *l = (struct proxy_login *)((char *)t - offsetof(struct proxy_login, timer));
	if (l->state == GREETING)
		say_hello(l);
	else
		finish(l, LOGIN_LATER, "the client does not answer the challenge");
}

static void
greeted(void *context, const char *status, struct packet *answer)
{
	struct proxy_login *l = context;
	if (status == NULL && l->retries-- > 0 && timer_set(&l->timer, RETRY_AFTER))
		return;
	const char *text = status != NULL ? packet_field(answer) : "authd is not there";
	if (status == NULL || strcmp(status, "ok") != 0)
		finish(l, LOGIN_LATER, text);
	else if (l->count == 0)
		finish(l, LOGIN_OK, text);
	else
		say_credentials(l);
}

static void
say_hello(struct proxy_login *l)
{
	client_begin(&l->client, &packet, "hello");
	packet_add_text(&packet, l->who.service);
	packet_add_text(&packet, l->who.address);
	packet_add_text(&packet, l->who.encrypted ? "tls" : "plain");
	ask(l, greeted);
}

static void
give_up(struct timer *t)
{
	finish((struct proxy_login *)((char *)t - offsetof(struct proxy_login, timer)), LOGIN_LATER,
	    "authd was lost, or no memory");
}

/* Sends `packet`, and forgets what it held. What follows a hello belongs to its connection and to no other. */
static void
ask(struct proxy_login *l, answer_handler *handler)
{
	bool lost = l->state != GREETING && !l->client.connected;
	l->timer.fire = retry;
	if (lost || client_ask(&l->client, &packet, handler, l) == NULL) {
		l->timer.fire = give_up;
		timer_set(&l->timer, 0);
	}
	explicit_bzero(packet.data, packet.len);
}

/* --- beginning ---------------------------------------------------------------------------- */

static struct proxy_login *
begin(const struct proxy_client *who, const struct slice *fields, size_t count, login_handler *handler, void *context)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		if (slice_has(fields[i], '\0'))
			return NULL;
		len += fields[i].len;
	}
	struct proxy_login *l = under_way < LOGINS_MOST ? calloc(1, sizeof *l + len) : NULL;
	if (l == NULL) {
		log_warning("too-many-logins", log_number("under-way", (int64_t)under_way));
		return NULL;
	}
	under_way++;
	l->client.service = "authd/login";
	l->client.timeout = PATIENCE;
	l->who = *who;
	l->handler = handler;
	l->context = context;
	l->count = count;
	for (size_t i = 0; i < count; i++) {
		memcpy(l->secret + l->len, fields[i].data, fields[i].len);
		l->fields[i] = slice_make(l->secret + l->len, fields[i].len);
		l->len += fields[i].len;
	}
	l->retries = count > 0 ? RETRIES : 0;
	say_hello(l);
	return l;
}

struct proxy_login *
proxy_login_mechanisms(login_handler *handler, void *context)
{
	static const struct proxy_client who = {.service = "smtp", .address = "127.0.0.1", .encrypted = true};
	return begin(&who, NULL, 0, handler, context);
}

struct proxy_login *
proxy_login_auth(const struct proxy_client *who, struct slice mechanism, struct slice initial, login_handler *handler,
    void *context)
{
	const struct slice fields[] = {slice_of("auth"), mechanism, initial};
	struct proxy_login *l = begin(who, fields, initial.data != NULL ? 3 : 2, handler, context);
	if (l != NULL)
		l->dialogue = true;
	return l;
}

struct proxy_login *
proxy_login_password(const struct proxy_client *who, struct slice user, struct slice password, login_handler *handler,
    void *context)
{
	const struct slice fields[] = {slice_of("password"), user, password};
	return begin(who, fields, 3, handler, context);
}

bool
proxy_login_more(struct proxy_login *l, struct slice response)
{
	if (l->state != TURN)
		return false;
	timer_cancel(&l->timer);
	client_begin(&l->client, &packet, "more");
	packet_add(&packet, response);
	l->state = ASKED;
	ask(l, answered);
	return true;
}
