/* USER, PASS and AUTH. */
#include <string.h>

#include "lib/mail/utf8.h"
#include "pop3d/carried.h"
#include "pop3d/front.h"

static void
finish(struct front *f, struct login_answer *answer)
{
	struct carried carried = {.language = f->language, .utf8 = f->utf8};
	struct str text = STR_MOST(2 * LOGIN_MECHANISMS_MOST);
	memcpy(carried.mechanisms, f->gate.login.mechanisms, sizeof carried.mechanisms);
	carried_write(&text, &carried);
	switch (gate_conclude(&f->gate, str_slice(&text), answer)) {
	case CONCLUSION_GONE:
		break;
	case CONCLUSION_LATER:
		front_error(f, "SYS/TEMP", TEXT_COME_LATER);
		break;
	case CONCLUSION_REFUSED:
		front_error(f, "AUTH", TEXT_WRONG_PASSWORD);
	}
	str_free(&text);
}

static bool
check_allowed(struct front *f)
{
	if (gate_may_login(&f->gate))
		return true;
	front_mistake(f, TEXT_TLS_FIRST);
	return false;
}

/* Asked for each password, not for each USER. */
static bool
check_rate(struct front *f)
{
	if (gate_allows(&f->gate, LEASE_AUTH))
		return true;
	front_error(f, "SYS/TEMP", TEXT_LOGINS_TOO_MANY);
	return false;
}

/* RFC 6856 section 2.2: behind UTF8 names and passwords are UTF-8. Before it they are bytes, as old clients send them. */
static bool
check_text(struct front *f, struct slice text)
{
	unsigned character;
	while (f->utf8 && text.len > 0) {
		size_t len = utf8_character(text, &character);
		if (len == 0) {
			front_mistake(f, TEXT_NOT_UTF8);
			return false;
		}
		text = slice_from(text, len);
	}
	return true;
}

void
front_user(struct front *f, struct slice argument)
{
	str_clear(&f->user);
	if (!check_allowed(f) || !check_text(f, argument))
		return;
	if (argument.len == 0 || slice_has(argument, '\0') || !str_set(&f->user, argument)) {
		str_clear(&f->user);
		front_mistake(f, TEXT_BAD_USER);
		return;
	}
	front_ok(f, TEXT_NOW_PASSWORD);
}

/* The password is all that is behind the space: it may hold spaces (RFC 1939 section 7). */
void
front_pass(struct front *f, struct slice argument)
{
	struct login_answer answer;
	if (!check_allowed(f) || !check_text(f, argument))
		return;
	if (f->user.len == 0) {
		front_mistake(f, TEXT_USER_FIRST);
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
	front_ok(f, TEXT_MECHANISMS);
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
		front_mistake(f, TEXT_CANCELLED);
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
		front_mistake(f, TEXT_MECHANISM_UNKNOWN);
		return;
	}
	if (!check_rate(f))
		return;
	login_begin(&f->gate.login, mechanism, initial, &answer);
	if (exchange(f, &answer))
		finish(f, &answer);
}
