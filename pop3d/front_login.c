/* USER, PASS and AUTH, and the client's way from here to its session. */
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/ipc/packet.h"
#include "pop3d/front.h"

#define SESSION_WAIT 10000 /* ms for postern-pop3 to take the client */

/* `session T TICKET CLIENT-IP tls|plain READ-AHEAD` and the client. The tag is our id: one id in both logs. */
static bool
build_session(struct front *f, const char *ticket, struct packet *p)
{
	struct str ahead = STR_MOST(STREAM_BUFFER * 2);
	bool ok = base64_encode(&ahead, input_buffered(&f->in));
	packet_begin(p, "session");
	packet_add_text(p, f->id);
	packet_add_text(p, ticket);
	packet_add_text(p, f->address);
	packet_add_text(p, f->encrypted ? "tls" : "plain");
	packet_add(p, str_slice(&ahead));
	packet_add_descriptor(p, FRONT_CLIENT);
	str_free(&ahead);
	return ok;
}

/* After this the client is postern-pop3's, which answers the command; or nothing has happened. */
static bool
hand_over(struct front *f, const char *ticket)
{
	static struct packet p;
	output_flush(&f->out);
	if (f->session < 0 || !build_session(f, ticket, &p) || !packet_call(f->session, &p, SESSION_WAIT)) {
		log_error("session-unreachable", log_text("socket", "pop3/session"),
		    log_text("hint", "is postern-pop3 running?"));
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
refused(struct front *f, struct slice why)
{
	log_info("login-failed", log_text("client", f->address), log_slice("reason", why));
	front_error(f, "[AUTH] wrong user or password");
	if (++f->failures >= FRONT_FAILURES)
		f->done = true;
}

static void
finish(struct front *f, struct login_answer *answer)
{
	switch (answer->result) {
	case LOGIN_OK:
		if (hand_over(f, answer->ticket))
			f->done = true;
		else
			front_error(f, "[SYS/TEMP] try again later");
		break;
	case LOGIN_LATER:
		log_warning("login-later", log_text("client", f->address), log_slice("reason", str_slice(&answer->text)));
		front_error(f, "[SYS/TEMP] try again later");
		break;
	default:
		refused(f, str_slice(&answer->text));
	}
	login_answer_free(answer);
}

static bool
check_allowed(struct front *f)
{
	if (front_may_login(f))
		return true;
	front_mistake(f, "use STLS first: passwords are not taken in the clear");
	return false;
}

void
front_user(struct front *f, struct slice argument)
{
	if (!check_allowed(f))
		return;
	if (argument.len == 0 || slice_has(argument, '\0') || !str_set(&f->user, argument)) {
		str_clear(&f->user);
		front_mistake(f, "not a user name");
		return;
	}
	front_ok(f, "now the password");
}

/* The password is all that is behind the space: it may hold spaces (RFC 1939 section 7). */
void
front_pass(struct front *f, struct slice argument)
{
	struct login_answer answer;
	if (!check_allowed(f))
		return;
	if (f->user.len == 0) {
		front_mistake(f, "USER comes first");
		return;
	}
	login_password(&f->login, str_slice(&f->user), argument, &answer);
	str_clear(&f->user);
	finish(f, &answer);
}

static bool
is_offered(const struct front *f, struct slice mechanism)
{
	struct slice rest = slice_of(f->login.mechanisms), offered;
	while (slice_split(&rest, ' ', &offered))
		if (slice_equal_nocase(offered, mechanism))
			return true;
	return false;
}

/* AUTH without a mechanism: some old clients ask in this way what there is. */
static void
list_mechanisms(struct front *f)
{
	struct slice rest = slice_of(f->login.mechanisms), offered;
	front_ok(f, "mechanisms");
	while (slice_split(&rest, ' ', &offered)) {
		output_slice(&f->out, offered);
		output_text(&f->out, "\r\n");
	}
	output_text(&f->out, ".\r\n");
}

/* False: the exchange ended without an answer of authd. */
static bool
exchange(struct front *f, struct login_answer *answer)
{
	while (answer->result == LOGIN_MORE) {
		struct slice line;
		output_text(&f->out, "+ ");
		output_slice(&f->out, str_slice(&answer->text));
		output_text(&f->out, "\r\n");
		login_answer_free(answer);
		if (!front_line(f, &line)) {
			login_cancel(&f->login);
			return false;
		}
		if (slice_is(line, "*")) {
			login_cancel(&f->login);
			front_mistake(f, "cancelled");
			return false;
		}
		login_continue(&f->login, line, answer);
	}
	return true;
}

void
front_auth(struct front *f, struct slice argument)
{
	struct login_answer answer;
	size_t space = slice_find(argument, ' ');
	struct slice mechanism = slice_first(argument, space);
	struct slice initial = space < argument.len ? slice_from(argument, space + 1) : slice_make(NULL, 0);
	if (!check_allowed(f))
		return;
	if (mechanism.len == 0) {
		list_mechanisms(f);
		return;
	}
	if (!is_offered(f, mechanism)) {
		front_mistake(f, "this mechanism is not offered");
		return;
	}
	login_begin(&f->login, mechanism, initial, &answer);
	if (exchange(f, &answer))
		finish(f, &answer);
}
