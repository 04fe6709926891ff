/* LOGIN and AUTHENTICATE. */
#include "imapd/front.h"

static void
finish(struct front *f, struct slice tag, struct login_answer *answer)
{
	switch (gate_conclude(&f->gate, tag, answer)) {
	case CONCLUSION_GONE:
		return;
	case CONCLUSION_LATER:
		front_answer(f, tag, "NO", "[UNAVAILABLE] try again later");
		return;
	case CONCLUSION_REFUSED:
		front_answer(f, tag, "NO", "[AUTHENTICATIONFAILED] wrong user or password");
		if (f->gate.done)
			front_bye(f, "too many failures");
	}
}

static bool
check_allowed(struct front *f, struct slice tag)
{
	if (!gate_may_login(&f->gate))
		front_answer(f, tag, "NO", "[PRIVACYREQUIRED] use STARTTLS first");
	else if (!gate_allows(&f->gate, LEASE_AUTH))
		front_answer(f, tag, "NO", "[UNAVAILABLE] too many logins, try again later");
	else
		return true;
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
	login_password(&f->gate.login, user, password, &answer);
	finish(f, tag, &answer);
}

/* False: the exchange ended without authd's verdict. */
static bool
exchange(struct front *f, struct slice tag, struct login_answer *answer)
{
	enum input_result why;
	switch (gate_exchange(&f->gate, answer, &why)) {
	case EXCHANGE_OVER:
		return true;
	case EXCHANGE_CANCELLED:
		front_bad(f, tag, "cancelled");
		return false;
	case EXCHANGE_BROKEN:
		if (why == INPUT_TOO_LONG)
			front_bye(f, "the response is too long");
	}
	return false;
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
	if (!login_offers(&f->gate.login, mechanism)) {
		front_answer(f, tag, "NO", "[CANNOT] this mechanism is not offered");
		return;
	}
	login_begin(&f->gate.login, mechanism, initial, &answer);
	if (exchange(f, tag, &answer))
		finish(f, tag, &answer);
}
