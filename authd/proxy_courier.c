/*
 * The protocol of courier-authlib's authdaemond. One request a connection:
 *
 *     NAME=VALUE                    the environment of the asker, any number of lines; TCPREMOTEIP is the client
 *     AUTH length LF service LF login LF user LF password LF
 *     PRE . service user            the account without a password
 *
 * Answered by lines NAME=VALUE and a dot, or FAIL. Temporary trouble is told
 * by closing without an answer, which courier-authlib's library gives to its
 * program as EIO, not as EPERM. No password and no hash is ever given out, so
 * PASSWD and PASSWD2 are left out; other kinds of AUTH (cram-md5 with a
 * challenge of the asker's), PASSWD and ENUMERATE get FAIL.
 */
#include <string.h>

#include "authd/proxy_login.h"
#include "authd/proxy_protocols.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/ipc/client.h"

#define LOOKUP_PATIENCE 30000 /* ms */
#define ANSWER_MOST     8000  /* courier-authlib reads into a buffer of 8192 */

struct courier {
	struct stream       stream; /* first */
	struct proxy_client who;
	struct proxy_login *login;
	struct question    *question;
	bool                logged_in; /* with a password */
	struct str          user;
};

struct courier_homes proxy_courier_homes;

static struct client lookup = {.service = "authd/lookup", .timeout = LOOKUP_PATIENCE};
static struct packet packet;

static enum stream_step
bad(struct courier *c, const char *why)
{
	c->stream.why = why;
	return STREAM_BAD;
}

static void
fail(struct courier *c)
{
	stream_say(&c->stream, slice_of("FAIL\n"));
	stream_finish(&c->stream);
}

static void
later(struct courier *c, const char *why)
{
	log_warning("login-later", log_text("protocol", proxy_courier.name), log_text("reason", why),
	    log_text("hint", "postern-authd's log says more"));
	stream_abort(&c->stream);
}

/* --- the account --------------------------------------------------------------------------------- */

/* Maildir++'s words, as in maildirsize: "5242880S,1000C". */
static void
append_quota(struct str *lines, const char *bytes, const char *messages)
{
	bool sized = strcmp(bytes, "0") != 0, counted = strcmp(messages, "0") != 0;
	if (sized || counted)
		str_append_format(lines, "QUOTA=%s%s%s%s%s\n", sized ? bytes : "", sized ? "S" : "", sized && counted ? "," : "",
		    counted ? messages : "", counted ? "C" : "");
}

/* The home is the Maildir, or the directory above one that is named Maildir. */
static void
append_home(struct str *lines, struct slice maildir)
{
	while (slice_ends(maildir, "/"))
		maildir.len--;
	struct slice home = slice_ends(maildir, "/Maildir") ? slice_first(maildir, maildir.len - strlen("/Maildir")) : maildir;
	const char *root = proxy_courier_homes.mail_root;
	str_append_format(lines, "HOME=%s/%.*s\n", root, (int)home.len, home.data);
	str_append_format(lines, "MAILDIR=%s/%.*s\n", root, (int)maildir.len, maildir.data);
}

static void
say_account(struct courier *c, const char *user, const char *maildir, const char *bytes, const char *messages)
{
	if (strchr(user, '\n') != NULL || (maildir != NULL && strchr(maildir, '\n') != NULL)) {
		later(c, "a line end in a name");
		return;
	}
	struct str lines = STR_MOST(ANSWER_MOST);
	str_append_format(&lines, "UID=%lu\nGID=%lu\nADDRESS=%s\n", (unsigned long)proxy_courier_homes.uid,
	    (unsigned long)proxy_courier_homes.gid, user);
	if (maildir != NULL) {
		append_home(&lines, slice_of(maildir));
		append_quota(&lines, bytes, messages);
	} else {
		str_append_text(&lines, "HOME=/nonexistent\n");
	}
	str_append_text(&lines, ".\n");
	if (lines.failed) {
		later(c, "the answer is too long");
	} else {
		stream_say(&c->stream, str_slice(&lines));
		stream_finish(&c->stream);
	}
	str_free(&lines);
}

/* ok T USER MAILDIR QUOTA-BYTES QUOTA-MESSAGES EXTENSION */
static void
found(void *context, const char *status, struct packet *answer)
{
	struct courier *c = context;
	c->question = NULL;
	if (status != NULL && strcmp(status, "ok") == 0) {
		const char *user = packet_field(answer), *maildir = packet_field(answer);
		const char *bytes = packet_field(answer), *messages = packet_field(answer);
		if (messages != NULL)
			say_account(c, user, maildir, bytes, messages);
		else
			later(c, "authd's answer is malformed");
	} else if (status != NULL && strcmp(status, "no") == 0) {
		/* A login that has no mailbox is good for sending mail. */
		if (c->logged_in)
			say_account(c, str_text(&c->user), NULL, "0", "0");
		else
			fail(c);
	} else {
		const char *why = status != NULL ? packet_field(answer) : NULL;
		later(c, why != NULL ? why : "authd does not answer");
	}
}

static void
look_up(struct courier *c)
{
	client_begin(&lookup, &packet, "mailbox");
	packet_add(&packet, str_slice(&c->user));
	c->question = client_ask(&lookup, &packet, found, c);
	if (c->question == NULL)
		later(c, "no memory");
}

static void
logged_in(void *context, enum login_result result, const char *text)
{
	struct courier *c = context;
	c->login = NULL;
	c->logged_in = true;
	if (result == LOGIN_NO)
		fail(c);
	else if (result == LOGIN_OK && str_set(&c->user, slice_of(text)))
		look_up(c);
	else
		later(c, text);
}

/* --- requests ------------------------------------------------------------------------------------ */

/* Takes one line without its end. False: it is not whole. */
static bool
take_line(struct slice *rest, struct slice *line)
{
	size_t len = slice_find(*rest, '\n');
	if (len == rest->len)
		return false;
	*line = slice_first(*rest, len);
	*rest = slice_from(*rest, len + 1);
	return true;
}

static enum stream_step
refuse_kind(struct courier *c, struct slice kind)
{
	log_warning("request-not-served", log_text("protocol", proxy_courier.name), log_slice("request", kind),
	    log_text("hint", "passwords are checked, not given out, listed or changed"));
	fail(c);
	return STREAM_TAKEN;
}

static enum stream_step
do_login(struct courier *c, struct slice user, struct slice password)
{
	c->login = proxy_login_password(&c->who, user, password, logged_in, c);
	if (c->login == NULL)
		later(c, "too many logins are under way");
	return STREAM_TAKEN;
}

/* service LF kind LF user LF password LF */
static enum stream_step
do_auth(struct courier *c, struct slice data)
{
	struct slice service, kind, user, password;
	if (!take_line(&data, &service) || !proxy_client_service(&c->who, service) || !take_line(&data, &kind))
		return bad(c, "AUTH without a service or a kind");
	if (!slice_is(kind, "login"))
		return refuse_kind(c, kind);
	if (!take_line(&data, &user))
		return bad(c, "AUTH without a user");
	if (!take_line(&data, &password)) {
		password = data;
		data = slice_of("");
	}
	/* What is more than an empty line was a part of the password, which is not to be cut. */
	return data.len == 0 || slice_is(data, "\n") ? do_login(c, user, password) : bad(c, "a line end in a password");
}

/* . service user */
static enum stream_step
do_pre(struct courier *c, struct slice rest)
{
	struct slice dot, service;
	if (!slice_split(&rest, ' ', &dot) || !slice_split(&rest, ' ', &service) || rest.len == 0)
		return bad(c, "PRE without a user");
	if (!str_set(&c->user, rest))
		fail(c);
	else
		look_up(c);
	return STREAM_TAKEN;
}

/* The request behind the environment, whose first line this is. */
static enum stream_step
run(struct courier *c, struct slice line, struct slice rest)
{
	struct slice verb = slice_of(""), words = line;
	uint64_t len;
	slice_split(&words, ' ', &verb);
	if (slice_is(verb, "AUTH")) {
		if (!number_parse(words, STREAM_REQUEST_MOST, &len))
			return bad(c, "AUTH without a length, or a larger one than may be");
		return rest.len < len ? STREAM_WAIT : do_auth(c, slice_first(rest, (size_t)len));
	}
	if (slice_is(verb, "PRE"))
		return do_pre(c, words);
	if (slice_is(verb, "PASSWD") || slice_is(verb, "ENUMERATE"))
		return refuse_kind(c, verb);
	return bad(c, "an unknown command");
}

static bool
is_environment(struct slice line)
{
	size_t len = slice_find(line, '=');
	for (size_t i = 0; i < len; i++)
		if (!ascii_is_alnum((unsigned char)line.data[i]) && line.data[i] != '_')
			return false;
	return len > 0 && len < line.len;
}

static enum stream_step
take(struct stream *s)
{
	struct courier *c = (struct courier *)s;
	struct slice rest = stream_input(s), line;
	if (slice_has(rest, '\0'))
		return bad(c, "a NUL in a request");
	c->user.limit = STREAM_REQUEST_MOST;
	proxy_client_address(&c->who, slice_of(""));
	c->who.encrypted = true; /* it is for the program that asks to see to */
	while (take_line(&rest, &line)) {
		if (!is_environment(line)) {
			enum stream_step step = run(c, line, rest);
			s->busy = step == STREAM_TAKEN;
			if (step == STREAM_TAKEN)
				stream_take(s, s->in_len);
			return step;
		}
		if (slice_starts(line, "TCPREMOTEIP=") && !proxy_client_address(&c->who, slice_from(line, strlen("TCPREMOTEIP="))))
			return bad(c, "TCPREMOTEIP is no address");
	}
	return STREAM_WAIT;
}

static void
closed(struct stream *s)
{
	struct courier *c = (struct courier *)s;
	if (c->login != NULL)
		proxy_login_end(c->login);
	if (c->question != NULL)
		client_forget(&lookup, c->question);
	str_free(&c->user);
}

struct stream_service proxy_courier = {
    .name = "courier", .size = sizeof(struct courier), .take = take, .closed = closed,
};
