/* USER, PASS and AUTH. */
#include "pop3d/front.h"

static void
finish(struct front *f, struct login_answer *answer)
{
	switch (gate_conclude(&f->gate, slice_of(""), answer)) {
	case CONCLUSION_GONE:
		return;
	case CONCLUSION_LATER:
		front_error(f, "[SYS/TEMP] try again later");
		return;
	case CONCLUSION_REFUSED:
		front_error(f, "[AUTH] wrong user or password");
	}
}

static bool
check_allowed(struct front *f)
{
	if (gate_may_login(&f->gate))
		return true;
	front_mistake(f, "use STLS first: passwords are not taken in the clear");
	return false;
}

/* Asked for each password, not for each USER. */
static bool
check_rate(struct front *f)
{
	if (gate_allows(&f->gate, LEASE_AUTH))
		return true;
	front_error(f, "[SYS/TEMP] too many logins, try again later");
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
	if (!check_rate(f))
		return;
	login_password(&f->gate.login, str_slice(&f->user), argument, &answer);
	str_clear(&f->user);
	finish(f, &answer);
}

/* AUTH without a mechanism: some old clients ask in this way what there is. */
static void
list_mechanisms(struct front *f)
{
	struct slice rest = slice_of(f->gate.login.mechanisms), offered;
	front_ok(f, "mechanisms");
	while (slice_split(&rest, ' ', &offered)) {
		output_slice(&f->gate.out, offered);
		output_text(&f->gate.out, "\r\n");
	}
	output_text(&f->gate.out, ".\r\n");
}

/* False: the exchange ended without authd's verdict. */
static bool
exchange(struct front *f, struct login_answer *answer)
{
	enum input_result why;
	switch (gate_exchange(&f->gate, answer, &why)) {
	case EXCHANGE_OVER:
		return true;
	case EXCHANGE_CANCELLED:
		front_mistake(f, "cancelled");
		return false;
	case EXCHANGE_BROKEN:
		front_gone(f, why);
	}
	return false;
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
	if (!login_offers(&f->gate.login, mechanism)) {
		front_mistake(f, "this mechanism is not offered");
		return;
	}
	if (!check_rate(f))
		return;
	login_begin(&f->gate.login, mechanism, initial, &answer);
	if (exchange(f, &answer))
		finish(f, &answer);
}
