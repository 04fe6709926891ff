/*
 * The protocol of Cyrus SASL's saslauthd: a request is four texts, each behind
 * its length in two bytes (network order): user, password, service, realm. The
 * answer is such a text, "OK" or "NO". One request a connection.
 *
 * There is no word for temporary trouble: the connection is closed without an
 * answer then, which Cyrus SASL gives to its program as an error of its own
 * (SASL_FAIL) and not as a wrong password (SASL_BADAUTH).
 *
 * Nothing is said of the client's address or line. The address is 127.0.0.1;
 * that passwords come over TLS only is for the program that asks to see to.
 */
#include <string.h>

#include "authd/proxy_login.h"
#include "authd/proxy_protocols.h"
#include "lib/base/cursor.h"
#include "lib/base/log.h"

enum { USER, PASSWORD, SERVICE, REALM, FIELDS };

struct saslauthd {
	struct stream       stream; /* first */
	struct proxy_login *login;
};

static enum stream_step
bad(struct stream *s, const char *why)
{
	s->why = why;
	return STREAM_BAD;
}

static void
say(struct stream *s, const char *word)
{
	char answer[4] = {0, 2, word[0], word[1]};
	stream_say(s, slice_make(answer, sizeof answer));
	stream_finish(s);
}

static void
answered(void *context, enum login_result result, const char *text)
{
	struct saslauthd *a = context;
	a->login = NULL;
	if (result == LOGIN_OK || result == LOGIN_NO) {
		say(&a->stream, result == LOGIN_OK ? "OK" : "NO");
		return;
	}
	log_warning("login-later", log_text("protocol", proxy_saslauthd.name), log_text("reason", text),
	    log_text("hint", "postern-authd's log says more"));
	stream_abort(&a->stream);
}

/* STREAM_WAIT: the last is not whole yet. */
static enum stream_step
read_fields(struct stream *s, struct slice fields[FIELDS], size_t *len)
{
	struct cursor c = cursor_over(stream_input(s));
	*len = 0;
	for (int i = 0; i < FIELDS; i++) {
		int high = cursor_next(&c), low = cursor_next(&c);
		if (high == CURSOR_END || low == CURSOR_END)
			return STREAM_WAIT;
		size_t size = (size_t)high << 8 | (size_t)low;
		*len += 2 + size;
		if (*len + 2 * (size_t)(FIELDS - 1 - i) > STREAM_REQUEST_MOST)
			return bad(s, "longer than a request may be");
		if (!cursor_take_bytes(&c, size, &fields[i]))
			return STREAM_WAIT;
	}
	return STREAM_TAKEN;
}

/* Cyrus SASL parts user@realm at the @; a realm beside a whole address is only the program's default. */
static bool
join_user(struct str *user, const struct slice fields[FIELDS])
{
	str_append_slice(user, fields[USER]);
	if (!slice_has(fields[USER], '@') && fields[REALM].len > 0) {
		str_append_byte(user, '@');
		str_append_slice(user, fields[REALM]);
	}
	return !user->failed;
}

static enum stream_step
begin(struct saslauthd *a, const struct slice fields[FIELDS])
{
	struct proxy_client who = {.encrypted = true};
	struct str user = STR_MOST(STREAM_REQUEST_MOST);
	if (!proxy_client_service(&who, fields[SERVICE]) || !proxy_client_address(&who, slice_of("")))
		return bad(&a->stream, "no name of a service");
	if (join_user(&user, fields))
		a->login = proxy_login_password(&who, str_slice(&user), fields[PASSWORD], answered, a);
	str_free(&user);
	return STREAM_TAKEN;
}

static enum stream_step
take(struct stream *s)
{
	struct saslauthd *a = (struct saslauthd *)s;
	struct slice fields[FIELDS];
	size_t len;
	enum stream_step step = read_fields(s, fields, &len);
	if (step != STREAM_TAKEN)
		return step;
	/* Nobody has such a name or password; what it begins with is another's, so it is not cut. */
	bool nul = slice_has(fields[USER], '\0') || slice_has(fields[PASSWORD], '\0') || slice_has(fields[REALM], '\0');
	step = nul ? bad(s, "a NUL in a name or password") : begin(a, fields);
	if (step == STREAM_TAKEN)
		stream_take(s, len);
	s->busy = true;
	if (step == STREAM_TAKEN && a->login == NULL)
		stream_abort(s);
	return step;
}

static void
closed(struct stream *s)
{
	struct saslauthd *a = (struct saslauthd *)s;
	if (a->login != NULL)
		proxy_login_end(a->login);
}

struct stream_service proxy_saslauthd = {
    .name = "saslauthd", .size = sizeof(struct saslauthd), .take = take, .closed = closed,
};
