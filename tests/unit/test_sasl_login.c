/* The client side of authd's login socket, with the test as authd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/sasl/login.h"

static struct packet packet;

static const struct login_client client = {.service = "imap", .address = "192.0.2.1", .encrypted = true,
    .certificate = "ann@example.test", .binding = "tls-exporter=AAAA tls-unique=BBBB"};

/* Answers before the question is there: the tags count from 1 in each process. */
static void
answer(int authd, const char *verb, uint64_t tag, const char *field, const char *other)
{
	packet_begin(&packet, verb);
	packet_add_number(&packet, tag);
	packet_add_text(&packet, field);
	packet_add_text(&packet, other);
	assert_int_equal(packet_send(authd, &packet), PACKET_OK);
}

static enum login_result
log_in(struct login *login, const char *user, char *name, size_t room)
{
	struct login_answer a;
	login_password(login, slice_of(user), slice_of("x"), &a);
	enum login_result r = a.result;
	strncpy(name, str_text(&a.text), room - 1);
	login_answer_free(&a);
	return r;
}

/* What was said about one user, too late for him, is nothing about the next. */
static void
late_answers(void **state)
{
	int ends[2];
	char name[100] = "";
	(void)state;
	assert_true(socket_pair(ends));
	struct login login = {.socket = ends[0]};
	answer(ends[1], "ok", 1, "PLAIN LOGIN", "");
	assert_int_equal(login_hello(&login, &client), LOGIN_OK);
	assert_true(login_offers(&login, slice_of("plain")));
	answer(ends[1], "ok", 1, "ann@example.test", "ticket");
	answer(ends[1], "no", 2, "wrong password", "");
	assert_int_equal(log_in(&login, "bob@example.test", name, sizeof name), LOGIN_NO);
	answer(ends[1], "ok", 3, "bob@example.test", "ticket");
	assert_int_equal(log_in(&login, "bob@example.test", name, sizeof name), LOGIN_OK);
	assert_string_equal(name, "bob@example.test");
	/* One that is to come, and none at all. */
	answer(ends[1], "ok", 9, "ann@example.test", "ticket");
	assert_int_equal(log_in(&login, "bob@example.test", name, sizeof name), LOGIN_LATER);
	close(ends[1]);
	assert_int_equal(log_in(&login, "bob@example.test", name, sizeof name), LOGIN_LATER);
	close(ends[0]);
}

/* The fields of the question that lies at authd, behind verb and tag. */
static void
expect_hello(int authd, const char *line, const char *certificate, const char *binding)
{
	assert_int_equal(packet_receive(authd, &packet), PACKET_OK);
	assert_string_equal(packet_verb(&packet), "hello");
	const char *const fields[] = {"imap", "192.0.2.1", line, certificate, binding};
	assert_non_null(packet_field(&packet));
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		assert_string_equal(packet_field(&packet), fields[i]);
	assert_null(packet_field(&packet));
}

/* What is known of the client goes to authd, and of a plain line nothing is known. */
static void
who_is_there(void **state)
{
	const struct login_client plain = {.service = "imap", .address = "192.0.2.1"};
	int ends[2];
	(void)state;
	assert_true(socket_pair(ends));
	struct login login = {.socket = ends[0]};
	answer(ends[1], "ok", 6, "PLAIN EXTERNAL", ""); /* the test before has asked five times */
	assert_int_equal(login_hello(&login, &client), LOGIN_OK);
	expect_hello(ends[1], "tls", client.certificate, client.binding);
	answer(ends[1], "ok", 7, "", "");
	assert_int_equal(login_hello(&login, &plain), LOGIN_OK);
	expect_hello(ends[1], "plain", "", "");
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(late_answers),
	    cmocka_unit_test(who_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
