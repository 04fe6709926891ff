/*
 * Dovecot's authentication protocol, version 1.2: lines of words with tabs
 * between. We greet first (Exim waits for that), in the order that Postfix
 * needs: mechanisms before SPID.
 *
 *     client: VERSION major minor, CPID pid        server: VERSION, MECH name properties..., SPID, CUID, COOKIE, DONE
 *     AUTH id mechanism service=... [rip=...] [secured] ... [resp=base64]
 *     CONT id base64, CANCEL id                    CONT id base64, OK id user=..., FAIL id
 *
 * Many requests may be under way on one connection. Of AUTH's parameters those
 * that are not named here are left alone: EXTERNAL by a name from a client
 * certificate is not offered, for then this program's word would be a login.
 *
 * Temporary trouble has a word in the protocol ("temp" behind FAIL), which
 * neither Postfix 3.7 nor Exim 4.96 looks at: they take FAIL for a wrong
 * password. All know a lost connection to be temporary. So the connection is
 * closed without an answer, but for clients that have other requests on it:
 * those get the word.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/proxy_login.h"
#include "authd/proxy_protocols.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/base/random.h"

#define REQUESTS_MOST  64 /* under way on one connection; more are temporary trouble */
#define MECHANISM_MOST 20 /* RFC 4422 section 3.1 */
#define COOKIE_BYTES   16

struct dovecot;

struct request {
	struct request     *next;
	struct dovecot     *owner;
	uint64_t            id;
	struct proxy_login *login;
};

struct dovecot {
	struct stream       stream; /* first */
	bool                versioned, ready; /* VERSION came; CPID came */
	struct proxy_login *greeting;
	struct request     *first;
	size_t              count;
};

/* How Postfix tells what it may offer (smtpd_sasl_security_options). A mechanism that is not here is not announced. */
static const struct {
	const char *name, *properties;
} mechanisms[] = {
    {"PLAIN", "\tplaintext"},
    {"LOGIN", "\tplaintext"},
    {"CRAM-MD5", "\tdictionary\tactive"},
    {"DIGEST-MD5", "\tdictionary\tactive\tmutual-auth"},
    {"SCRAM-SHA-1", "\tmutual-auth"},
    {"SCRAM-SHA-256", "\tmutual-auth"},
};

/* What authd offered last; before it ever answered, what any table can serve: Postfix's smtpd ends when there is none. */
static struct str offered = {.limit = LOGIN_MECHANISMS_MOST};
static uint64_t   connections;

static enum stream_step
bad(struct dovecot *d, const char *why)
{
	d->stream.why = why;
	return STREAM_BAD;
}

/* --- answers --------------------------------------------------------------------------------- */

/* A parameter's value: tabs and line ends cannot stand in one as they are. */
static void
append_value(struct str *line, const char *text)
{
	static const struct {
		char byte, letter;
	} escapes[] = {{'\001', '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'l'}};
	for (; *text != '\0'; text++) {
		size_t i = 0;
		while (i < sizeof escapes / sizeof *escapes && escapes[i].byte != *text)
			i++;
		if (i < sizeof escapes / sizeof *escapes)
			str_append_byte(line, '\001');
		str_append_byte(line, i < sizeof escapes / sizeof *escapes ? escapes[i].letter : *text);
	}
}

static void
say_line(struct dovecot *d, struct str *line)
{
	str_append_byte(line, '\n');
	if (line->failed)
		stream_abort(&d->stream);
	else
		stream_say(&d->stream, str_slice(line));
	str_free(line);
}

/* "OK" TAB id TAB name value */
static void
say(struct dovecot *d, const char *verb, uint64_t id, const char *name, const char *value)
{
	struct str line = STR_MOST(STREAM_ANSWERS_MOST);
	str_append_text(&line, verb);
	str_append_byte(&line, '\t');
	str_append_number(&line, id);
	if (name != NULL) {
		str_append_byte(&line, '\t');
		str_append_text(&line, name);
		append_value(&line, value);
	}
	say_line(d, &line);
}

static void
say_later(struct dovecot *d, uint64_t id, const char *why)
{
	log_warning("login-later", log_text("protocol", proxy_dovecot.name), log_text("reason", why),
	    log_text("hint", "postern-authd's log says more"));
	if (d->count == 0)
		stream_abort(&d->stream);
	else
		say(d, "FAIL", id, "temp\tcode=temp_fail", "");
}

/* --- greeting -------------------------------------------------------------------------------- */

static void
announce(struct str *line, struct slice name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (slice_is(name, mechanisms[i].name))
			str_append_format(line, "MECH\t%s%s\n", mechanisms[i].name, mechanisms[i].properties);
}

static void
greet(void *context, enum login_result result, const char *text)
{
	struct dovecot *d = context;
	d->greeting = NULL;
	if (result == LOGIN_OK && text[0] != '\0')
		str_set(&offered, slice_of(text));
	struct slice rest = offered.len > 0 ? str_slice(&offered) : slice_of("PLAIN LOGIN"), name;
	struct str lines = STR_MOST(STREAM_ANSWERS_MOST);
	unsigned char cookie[COOKIE_BYTES];
	random_bytes(cookie, sizeof cookie);
	str_append_text(&lines, "VERSION\t1\t2\n");
	while (slice_split(&rest, ' ', &name))
		announce(&lines, name);
	str_append_format(&lines, "SPID\t%ld\nCUID\t%llu\nCOOKIE\t", (long)getpid(), (unsigned long long)++connections);
	hex_encode(&lines, slice_make((const char *)cookie, sizeof cookie));
	str_append_text(&lines, "\nDONE");
	say_line(d, &lines);
	stream_resume(&d->stream);
}

static bool
opened(struct stream *s)
{
	struct dovecot *d = (struct dovecot *)s;
	s->busy = true;
	d->greeting = proxy_login_mechanisms(greet, d);
	if (d->greeting == NULL)
		greet(d, LOGIN_LATER, "");
	return true;
}

/* --- requests -------------------------------------------------------------------------------- */

static struct request **
find(struct dovecot *d, uint64_t id)
{
	struct request **at = &d->first;
	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void
forget(struct request **at)
{
	struct request *r = *at;
	*at = r->next;
	r->owner->count--;
	free(r);
}

static void
answered(void *context, enum login_result result, const char *text)
{
	struct request *r = context;
	struct dovecot *d = r->owner;
	uint64_t id = r->id;
	if (result == LOGIN_MORE) {
		say(d, "CONT", id, text, "");
		return;
	}
	forget(find(d, id));
	if (result == LOGIN_OK)
		say(d, "OK", id, "user=", text);
	else if (result == LOGIN_NO)
		say(d, "FAIL", id, NULL, "");
	else
		say_later(d, id, text);
}

struct parameters {
	struct proxy_client who;
	struct slice        initial; /* data NULL: none */
};

static bool
read_parameters(struct slice rest, struct parameters *p)
{
	struct slice word;
	*p = (struct parameters){.initial = {NULL, 0}};
	bool ok = proxy_client_service(&p->who, slice_of("")) && proxy_client_address(&p->who, slice_of(""));
	while (ok && slice_split(&rest, '\t', &word)) {
		if (slice_starts(word, "resp=")) {
			/*
			 * The last one by its definition: what stands behind it could be the client's own text. Exim says it
			 * without a value when the client began with nothing.
			 */
			if (word.len > strlen("resp="))
				p->initial = slice_from(word, strlen("resp="));
			return true;
		}
		if (slice_starts(word, "service="))
			ok = proxy_client_service(&p->who, slice_from(word, 8));
		else if (slice_starts(word, "rip="))
			ok = proxy_client_address(&p->who, slice_from(word, 4));
		else if (slice_is(word, "secured") || slice_starts(word, "secured="))
			p->who.encrypted = true;
	}
	return ok;
}

static bool
mechanism_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum((unsigned char)name.data[i]) && name.data[i] != '-' && name.data[i] != '_')
			return false;
	return name.len > 0 && name.len <= MECHANISM_MOST;
}

static bool
read_id(struct slice *rest, uint64_t *id)
{
	struct slice word;
	return slice_split(rest, '\t', &word) && number_parse(word, UINT32_MAX, id);
}

static enum stream_step
do_auth(struct dovecot *d, struct slice rest)
{
	uint64_t id;
	struct slice mechanism;
	struct parameters p;
	if (!read_id(&rest, &id) || !slice_split(&rest, '\t', &mechanism) || !mechanism_ok(mechanism))
		return bad(d, "AUTH without an id or a mechanism");
	if (!read_parameters(rest, &p))
		return bad(d, "AUTH with a service or an address that is none");
	if (*find(d, id) != NULL)
		return bad(d, "AUTH with the id of a request that is under way");
	struct request *r = d->count < REQUESTS_MOST ? calloc(1, sizeof *r) : NULL;
	if (r != NULL)
		r->login = proxy_login_auth(&p.who, mechanism, p.initial, answered, r);
	if (r == NULL || r->login == NULL) {
		free(r);
		say_later(d, id, "too many logins are under way");
		return STREAM_TAKEN;
	}
	r->owner = d;
	r->id = id;
	r->next = d->first;
	d->first = r;
	d->count++;
	return STREAM_TAKEN;
}

static enum stream_step
do_cont(struct dovecot *d, struct slice rest)
{
	uint64_t id;
	if (!read_id(&rest, &id))
		return bad(d, "CONT without an id");
	struct request *r = *find(d, id);
	if (r == NULL)
		say_later(d, id, "the client answered too late");
	else if (!proxy_login_more(r->login, rest))
		return bad(d, "CONT without a challenge");
	return STREAM_TAKEN;
}

static enum stream_step
do_cancel(struct dovecot *d, struct slice rest)
{
	uint64_t id;
	if (!read_id(&rest, &id))
		return bad(d, "CANCEL without an id");
	struct request **at = find(d, id);
	if (*at != NULL) {
		proxy_login_end((*at)->login);
		forget(at);
	}
	return STREAM_TAKEN;
}

static enum stream_step
do_version(struct dovecot *d, struct slice rest)
{
	struct slice major;
	if (!slice_split(&rest, '\t', &major) || !slice_is(major, "1"))
		return bad(d, "another version of the protocol");
	d->versioned = true;
	return STREAM_TAKEN;
}

static enum stream_step
do_cpid(struct dovecot *d, struct slice rest)
{
	uint64_t pid;
	if (!number_parse(rest, UINT32_MAX, &pid))
		return bad(d, "CPID without a number");
	d->ready = d->stream.patient = true;
	return STREAM_TAKEN;
}

static const struct {
	const char *name;
	bool        versioned, ready; /* what has come before it */
	enum stream_step (*run)(struct dovecot *d, struct slice rest);
} commands[] = {
    {"VERSION", false, false, do_version},
    {"CPID", true, false, do_cpid},
    {"AUTH", true, true, do_auth},
    {"CONT", true, true, do_cont},
    {"CANCEL", true, true, do_cancel},
};

/* Within the greeting lines that we do not know are a newer client's, and left alone. */
static enum stream_step
run(struct dovecot *d, struct slice line)
{
	struct slice verb = slice_of(""), rest = line;
	slice_split(&rest, '\t', &verb);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (slice_is(verb, commands[i].name))
			return d->versioned == commands[i].versioned && d->ready == commands[i].ready ?
			    commands[i].run(d, rest) : bad(d, "a command out of turn");
	return d->versioned && !d->ready ? STREAM_TAKEN : bad(d, "an unknown command");
}

static enum stream_step
take(struct stream *s)
{
	struct slice input = stream_input(s);
	size_t len = slice_find(input, '\n');
	if (len == input.len)
		return STREAM_WAIT;
	struct slice line = slice_first(input, len);
	if (slice_has(line, '\0'))
		return bad((struct dovecot *)s, "a NUL in a line");
	if (slice_ends(line, "\r"))
		line.len--;
	enum stream_step step = run((struct dovecot *)s, line);
	stream_take(s, len + 1);
	return step;
}

static void
closed(struct stream *s)
{
	struct dovecot *d = (struct dovecot *)s;
	if (d->greeting != NULL)
		proxy_login_end(d->greeting);
	while (d->first != NULL) {
		proxy_login_end(d->first->login);
		forget(&d->first);
	}
}

struct stream_service proxy_dovecot = {
    .name = "dovecot", .size = sizeof(struct dovecot), .opened = opened, .take = take, .closed = closed,
};
