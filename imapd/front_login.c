/* LOGIN and AUTHENTICATE, and the client's way from here to its session. */
#include "imapd/front.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/ipc/packet.h"

#define SESSION_WAIT 10000 /* ms for postern-imap to take the client */

/* `session T TICKET IMAP-TAG CLIENT-IP tls|plain READ-AHEAD` and the client. The tag is our id: one id in both logs. */
static bool
build_session(struct front *f, struct slice tag, const char *ticket, struct packet *p)
{
	struct str ahead = STR_MOST(STREAM_BUFFER * 2);
	bool ok = base64_encode(&ahead, input_buffered(&f->in));
	packet_begin(p, "session");
	packet_add_text(p, f->id);
	packet_add_text(p, ticket);
	packet_add(p, tag);
	packet_add_text(p, f->address);
	packet_add_text(p, f->encrypted ? "tls" : "plain");
	packet_add(p, str_slice(&ahead));
	packet_add_descriptor(p, FRONT_CLIENT);
	str_free(&ahead);
	return ok;
}

/* After this the client is postern-imap's, which answers the command; or nothing has happened. */
static bool
hand_over(struct front *f, struct slice tag, const char *ticket)
{
	static struct packet p;
	output_flush(&f->out);
	if (f->session < 0 || !build_session(f, tag, ticket, &p) || !packet_call(f->session, &p, SESSION_WAIT)) {
		log_error("session-unreachable", log_text("socket", "imap/session"),
		    log_text("hint", "is postern-imap running?"));
		return false;
	}
	packet_close_descriptors(&p);
	if (slice_is(slice_of(packet_verb(&p)), "ok"))
		return true;
	packet_field(&p);
	const char *why = packet_field(&p);
	log_warning("session-refused", log_text("reason", why != NULL ? why : ""));
	return false;
}

static void
refused(struct front *f, struct slice tag, struct slice why)
{
	f->failures++;
	log_info("login-failed", log_text("client", f->address), log_slice("reason", why));
	front_answer(f, tag, "NO", "[AUTHENTICATIONFAILED] wrong user or password");
	if (f->failures >= FRONT_FAILURES)
		front_bye(f, "too many failures");
}

static void
finish(struct front *f, struct slice tag, struct login_answer *answer)
{
	switch (answer->result) {
	case LOGIN_OK:
		if (hand_over(f, tag, answer->ticket))
			f->done = true;
		else
			front_answer(f, tag, "NO", "[UNAVAILABLE] try again later");
		break;
	case LOGIN_LATER:
		log_warning("login-later", log_text("client", f->address), log_slice("reason", str_slice(&answer->text)));
		front_answer(f, tag, "NO", "[UNAVAILABLE] try again later");
		break;
	default:
		refused(f, tag, str_slice(&answer->text));
	}
	login_answer_free(answer);
}

static bool
check_allowed(struct front *f, struct slice tag)
{
	if (front_may_login(f))
		return true;
	front_answer(f, tag, "NO", "[PRIVACYREQUIRED] use STARTTLS first");
	return false;
}

void
front_login(struct front *f, struct slice tag, struct parser *p)
{
	struct slice user, password;
	struct login_answer answer = {.text = STR_MOST(LOGIN_BLOB_MOST)};
	if (!parse_space(p) || !parse_astring(p, &user) || !parse_space(p) || !parse_astring(p, &password) ||
	    !parse_end(p)) {
		front_bad(f, tag, p->error);
		return;
	}
	if (!check_allowed(f, tag))
		return;
	login_password(&f->login, user, password, &answer);
	finish(f, tag, &answer);
}

static bool
is_offered(const struct front *f, struct slice mechanism)
{
	struct slice rest = slice_of(f->login.mechanisms);
	struct slice offered;
	while (slice_split(&rest, ' ', &offered))
		if (slice_equal_nocase(offered, mechanism))
			return true;
	return false;
}

/* One line of the client's in an exchange, without its end. */
static bool
read_response(struct front *f, struct slice *line)
{
	enum input_result r = input_line(&f->in, LOGIN_BLOB_MOST, line);
	if (r != INPUT_OK) {
		if (r == INPUT_TOO_LONG)
			front_bye(f, "the response is too long");
		f->done = true;
		return false;
	}
	line->len -= slice_ends(*line, "\r\n") ? 2 : 1;
	return true;
}

/* False: the exchange ended without an answer of authd. */
static bool
exchange(struct front *f, struct slice tag, struct login_answer *answer)
{
	while (answer->result == LOGIN_MORE) {
		struct slice line;
		output_text(&f->out, "+ ");
		output_slice(&f->out, str_slice(&answer->text));
		output_text(&f->out, "\r\n");
		login_answer_free(answer);
		if (!read_response(f, &line)) {
			login_cancel(&f->login);
			return false;
		}
		if (slice_is(line, "*")) {
			login_cancel(&f->login);
			front_bad(f, tag, "cancelled");
			return false;
		}
		login_continue(&f->login, line, answer);
	}
	return true;
}

static bool
is_response(int byte)
{
	return byte > ' ' && byte < 0x7f;
}

void
front_authenticate(struct front *f, struct slice tag, struct parser *p)
{
	struct slice mechanism, initial = slice_make(NULL, 0);
	struct login_answer answer = {.text = STR_MOST(LOGIN_BLOB_MOST)};
	if (!parse_space(p) || !parse_atom(p, &mechanism)) {
		front_bad(f, tag, p->error);
		return;
	}
	if (parse_maybe(p, ' '))
		initial = cursor_take_while(&p->c, is_response);
	if (!parse_end(p)) {
		front_bad(f, tag, p->error);
		return;
	}
	if (!check_allowed(f, tag))
		return;
	if (!is_offered(f, mechanism)) {
		front_answer(f, tag, "NO", "[CANNOT] this mechanism is not offered");
		return;
	}
	login_begin(&f->login, mechanism, initial, &answer);
	if (exchange(f, tag, &answer))
		finish(f, tag, &answer);
}
