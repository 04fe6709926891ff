/*
 * The mechanisms, by libgsasl, within a confined worker. PLAIN (RFC 4616) and
 * LOGIN; libgsasl calls back for the password check.
 */
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "authd/hasher.h"
#include "lib/base/encode.h"

#define BLOB_MOST 12288 /* RFC 4954 section 4 */

struct exchange {
	uint64_t       id; /* 0: free */
	uint64_t       age;
	Gsasl_session *session;
	bool           login; /* the mechanism is LOGIN */
	unsigned       steps;
};

struct sasl_table {
	struct hasher  *hasher;
	Gsasl          *library;
	uint64_t        clock;
	bool            judged; /* this step ended in a verdict, which is in the packet */
	struct exchange exchanges[EXCHANGES_MOST];
};

/* libgsasl asks whether user and password are right. */
static int
validate(struct sasl_table *t, Gsasl_session *session)
{
	const char *user = gsasl_property_fast(session, GSASL_AUTHID);
	const char *other = gsasl_property_fast(session, GSASL_AUTHZID);
	const char *password = gsasl_property_fast(session, GSASL_PASSWORD);
	if (user == NULL || password == NULL)
		return GSASL_AUTHENTICATION_ERROR;
	t->judged = true;
	if (other != NULL && other[0] != '\0' && strcmp(other, user) != 0) {
		hasher_say(t->hasher, "no", "acting for another user is not allowed");
		return GSASL_AUTHENTICATION_ERROR;
	}
	return hasher_check(t->hasher, user, password) ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

static int
called_back(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
	if (property == GSASL_VALIDATE_SIMPLE)
		return validate(gsasl_callback_hook_get(library), session);
	return GSASL_NO_CALLBACK;
}

struct sasl_table *
sasl_table_make(struct hasher *h)
{
	struct sasl_table *t = calloc(1, sizeof *t);
	if (t == NULL || gsasl_init(&t->library) != GSASL_OK) {
		free(t);
		return NULL;
	}
	t->hasher = h;
	gsasl_callback_hook_set(t->library, t);
	gsasl_callback_set(t->library, called_back);
	return t;
}

static void
end(struct exchange *e)
{
	if (e->session != NULL)
		gsasl_finish(e->session);
	*e = (struct exchange){.id = 0};
}

static struct exchange *
find(struct sasl_table *t, uint64_t id)
{
	for (size_t i = 0; i < EXCHANGES_MOST; i++)
		if (t->exchanges[i].id == id && id != 0)
			return &t->exchanges[i];
	return NULL;
}

/* A free place, or that of the exchange that waits longest: its client will be told to try again. */
static struct exchange *
place(struct sasl_table *t)
{
	struct exchange *oldest = &t->exchanges[0];
	for (size_t i = 0; i < EXCHANGES_MOST; i++) {
		struct exchange *e = &t->exchanges[i];
		if (e->id == 0)
			return e;
		if (e->age < oldest->age)
			oldest = e;
	}
	end(oldest);
	return oldest;
}

/* The prompts that clients know; libgsasl's own are others. */
static struct slice
challenge_of(const struct exchange *e, const char *made, size_t len)
{
	if (!e->login)
		return slice_make(made, len);
	return slice_of(e->steps == 1 ? "Username:" : "Password:");
}

static void
say_more(struct sasl_table *t, const struct exchange *e, const char *made, size_t len)
{
	struct str text = STR_MOST(BLOB_MOST);
	if (base64_encode(&text, challenge_of(e, made, len))) {
		packet_begin(t->hasher->packet, "more");
		packet_add(t->hasher->packet, str_slice(&text));
	} else {
		hasher_say(t->hasher, "later", "no memory");
	}
	str_free(&text);
}

static void
run(struct sasl_table *t, struct exchange *e, struct slice input)
{
	char *made = NULL;
	size_t len = 0;
	t->judged = false;
	int r = gsasl_step(e->session, input.data, input.len, &made, &len);
	e->steps++;
	if (r == GSASL_NEEDS_MORE) {
		say_more(t, e, made, len);
	} else {
		if (!t->judged && r == GSASL_OK)
			hasher_say(t->hasher, "later", "the mechanism ended without a verdict");
		else if (!t->judged)
			hasher_say(t->hasher, "no", gsasl_strerror_name(r));
		end(e);
	}
	gsasl_free(made);
}

/* Decodes base64 and runs one step; "=" is an empty initial response (RFC 4954 section 4). */
static void
run_base64(struct sasl_table *t, struct exchange *e, const char *text)
{
	struct str input = STR_MOST(BLOB_MOST);
	bool empty = strcmp(text, "=") == 0;
	bool good = empty || base64_decode(&input, slice_of(text));
	/* PLAIN has no empty message (RFC 4616 section 2); libgsasl takes it for none and would ask. */
	if (good && (input.len > 0 || e->login)) {
		run(t, e, str_slice(&input));
	} else {
		hasher_say(t->hasher, "no", good ? "the response is empty" : "the response is not base64");
		end(e);
	}
	if (input.data != NULL)
		explicit_bzero(input.data, input.room);
	str_free(&input);
}

static bool
is_offered(const char *mechanism)
{
	struct slice names = slice_of(MECHANISM_NAMES), name;
	while (slice_split(&names, ' ', &name))
		if (slice_is_nocase(name, mechanism))
			return true;
	return false;
}

void
sasl_begin(struct sasl_table *t, uint64_t id, const char *mechanism, const char *initial)
{
	char name[32] = "";
	for (size_t i = 0; i < sizeof name - 1 && mechanism[i] != '\0'; i++)
		name[i] = (char)ascii_upper((unsigned char)mechanism[i]);
	struct exchange *e = place(t);
	if (!is_offered(mechanism) || gsasl_server_start(t->library, name, &e->session) != GSASL_OK) {
		hasher_say(t->hasher, "no", "unknown mechanism");
		*e = (struct exchange){.id = 0};
		return;
	}
	e->id = id;
	e->age = ++t->clock;
	e->login = strcmp(name, "LOGIN") == 0;
	e->steps = 0;
	/* LOGIN's server speaks first; many clients send the user with the command nevertheless. */
	if (initial == NULL || e->login)
		run(t, e, slice_of(""));
	if (initial != NULL && e->id == id)
		run_base64(t, e, initial);
}

void
sasl_step(struct sasl_table *t, uint64_t id, const char *response)
{
	struct exchange *e = find(t, id);
	if (e == NULL)
		hasher_say(t->hasher, "later", "the exchange was forgotten");
	else
		run_base64(t, e, response);
}

void
sasl_drop(struct sasl_table *t, uint64_t id)
{
	struct exchange *e = find(t, id);
	if (e != NULL)
		end(e);
	hasher_say(t->hasher, "dropped", NULL);
}
