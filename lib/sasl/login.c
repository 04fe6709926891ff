#include "lib/sasl/login.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/ipc/packet.h"

#define PATIENCE 60000 /* ms; authd itself gives up sooner */

static struct packet packet;
static uint64_t      number; /* of the question, its tag */

static void
begin(const char *verb)
{
	packet_begin(&packet, verb);
	packet_add_number(&packet, ++number);
}

/*
 * Exchanges the packet; the status word of the answer, with the tag taken. ""
 * when authd is not there or talks nonsense. An answer that came too late for
 * its own question is passed over: it may be about another user.
 */
static const char *
ask(struct login *login)
{
	int64_t deadline = clock_ms() + PATIENCE;
	if (packet_send_wait(login->socket, &packet, PATIENCE) != PACKET_OK)
		return "";
	while (packet_receive_wait(login->socket, &packet, clock_poll_timeout(deadline)) == PACKET_OK) {
		uint64_t tag;
		const char *status = packet_verb(&packet);
		packet_close_descriptors(&packet);
		if (!packet_field_number(&packet, number, &tag))
			return "";
		if (tag == number)
			return status;
	}
	return "";
}

enum login_result
login_hello(struct login *login, const struct login_client *client)
{
	login->mechanisms[0] = '\0';
	begin("hello");
	packet_add_text(&packet, client->service);
	packet_add_text(&packet, client->address);
	packet_add_text(&packet, client->encrypted ? "tls" : "plain");
	packet_add_text(&packet, client->certificate != NULL ? client->certificate : "");
	packet_add_text(&packet, client->binding != NULL ? client->binding : "");
	if (strcmp(ask(login), "ok") != 0)
		return LOGIN_LATER;
	const char *mechanisms = packet_field(&packet);
	if (mechanisms == NULL || strlen(mechanisms) >= sizeof login->mechanisms)
		return LOGIN_LATER;
	memcpy(login->mechanisms, mechanisms, strlen(mechanisms) + 1);
	return LOGIN_OK;
}

bool
login_offers(const struct login *login, struct slice mechanism)
{
	struct slice rest = slice_of(login->mechanisms), offered;
	while (slice_split(&rest, ' ', &offered))
		if (offered.len > 0 && slice_equal_nocase(offered, mechanism))
			return true;
	return false;
}

static void
take_text(struct login_answer *answer, const char *text)
{
	if (text != NULL && !str_set(&answer->text, slice_of(text)))
		answer->result = LOGIN_LATER;
}

static void
take_success(struct login_answer *answer)
{
	const char *user = packet_field(&packet), *ticket = packet_field(&packet);
	if (ticket == NULL || user[0] == '\0' || strlen(ticket) >= sizeof answer->ticket)
		return;
	answer->result = LOGIN_OK;
	memcpy(answer->ticket, ticket, strlen(ticket) + 1);
	take_text(answer, user);
}

/* Whatever is not a clear answer is temporary trouble. The packet held a password: it is wiped. */
static void
converse(struct login *login, struct login_answer *answer)
{
	*answer = (struct login_answer){.result = LOGIN_LATER, .text = STR_MOST(LOGIN_BLOB_MOST)};
	if (packet.failed) {
		answer->result = LOGIN_NO;
		take_text(answer, "the client's text holds a NUL or is too long");
		return;
	}
	size_t sent = packet.len;
	const char *status = ask(login);
	if (strcmp(status, "ok") == 0) {
		take_success(answer);
	} else if (strcmp(status, "more") == 0) {
		answer->result = LOGIN_MORE;
		take_text(answer, packet_field(&packet));
	} else if (strcmp(status, "no") == 0) {
		answer->result = LOGIN_NO;
		take_text(answer, packet_field(&packet));
	} else {
		take_text(answer, status[0] != '\0' ? packet_field(&packet) : "authd does not answer");
	}
	explicit_bzero(packet.data, sent > packet.len ? sent : packet.len);
}

void
login_begin(struct login *login, struct slice mechanism, struct slice initial, struct login_answer *answer)
{
	begin("auth");
	packet_add(&packet, mechanism);
	if (initial.data != NULL)
		packet_add(&packet, initial);
	converse(login, answer);
}

void
login_continue(struct login *login, struct slice response, struct login_answer *answer)
{
	begin("more");
	packet_add(&packet, response);
	/* authd still waits for a response when this one cannot be sent. */
	bool unsendable = packet.failed;
	converse(login, answer);
	if (unsendable)
		login_cancel(login);
}

void
login_cancel(struct login *login)
{
	begin("cancel");
	ask(login);
}

void
login_password(struct login *login, struct slice user, struct slice password, struct login_answer *answer)
{
	begin("password");
	packet_add(&packet, user);
	packet_add(&packet, password);
	converse(login, answer);
}

void
login_answer_free(struct login_answer *answer)
{
	str_free(&answer->text);
}
