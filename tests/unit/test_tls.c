/* tls_accept() and tls_connect() against a tlsd that the test plays: each answer that a peer may give, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/tls.h"

/* The answer lies in the socket before the question is asked; so one process plays both. */
struct stage {
	int           ends[2];
	int           client[2]; /* stands for the client's connection */
	int           plain[2];
	struct packet answer;
};

static void
set_up(struct stage *s, const char *verb, const char *tag)
{
	assert_true(socket_pair(s->ends));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->client), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->plain), 0);
	packet_begin(&s->answer, verb);
	if (tag != NULL)
		packet_add_text(&s->answer, tag);
}

static int
ask(struct stage *s, struct tls_facts *facts)
{
	assert_int_equal(packet_send(s->ends[1], &s->answer), PACKET_OK);
	return tls_accept(s->ends[0], s->client[0], "1", 200, facts);
}

static void
tear_down(struct stage *s)
{
	for (int i = 0; i < 2; i++) {
		close(s->ends[i]);
		close(s->client[i]);
		close(s->plain[i]);
	}
}

static void
add_facts(struct stage *s)
{
	packet_add_text(&s->answer, "TLSv1.3");
	packet_add_text(&s->answer, "TLS_AES_256_GCM_SHA384");
	packet_add_text(&s->answer, "mail.example.test");
	packet_add_text(&s->answer, "");
	packet_add_text(&s->answer, "tls-exporter=AAAA tls-unique=BBBB");
}

static void
test_ok(void **state)
{
	(void)state;
	static struct stage s;
	struct tls_facts facts;
	char byte;
	set_up(&s, "ok", "1");
	add_facts(&s);
	packet_add_descriptor(&s.answer, s.plain[1]);
	int plain = ask(&s, &facts);
	assert_true(plain >= 0);
	assert_string_equal(facts.version, "TLSv1.3");
	assert_string_equal(facts.cipher, "TLS_AES_256_GCM_SHA384");
	assert_string_equal(facts.server_name, "mail.example.test");
	assert_string_equal(facts.client_name, "");
	assert_string_equal(facts.binding, "tls-exporter=AAAA tls-unique=BBBB");
	assert_int_equal(write(s.plain[0], "x", 1), 1);
	assert_int_equal(read(plain, &byte, 1), 1);
	close(plain);
	/* The question carried the client's connection. */
	struct packet question;
	assert_int_equal(packet_receive(s.ends[1], &question), PACKET_OK);
	assert_string_equal(packet_verb(&question), "accept");
	assert_int_equal(question.descriptor_count, 1);
	packet_close_descriptors(&question);
	tear_down(&s);
}

static void
test_no(void **state)
{
	(void)state;
	static struct stage s;
	struct tls_facts facts;
	set_up(&s, "no", "1");
	packet_add_text(&s.answer, "the client speaks HTTP");
	assert_int_equal(ask(&s, &facts), -1);
	assert_string_equal(facts.reason, "the client speaks HTTP");
	tear_down(&s);
}

/* Answers that are none: each fails with a reason, and no descriptor stays open. */
static void
test_bad_answers(void **state)
{
	(void)state;
	static const struct {
		const char *verb, *tag;
		bool        facts, descriptor;
	} bad[] = {
	    {"ok", "2", true, true}, {"ok", NULL, false, true}, {"ok", "1", false, true}, {"ok", "1", true, false},
	    {"nonsense", "1", true, true}, {"no", "1", false, false}, {"", NULL, false, false},
	};
	int lowest = dup(STDERR_FILENO);
	close(lowest);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		static struct stage s;
		struct tls_facts facts;
		set_up(&s, bad[i].verb, bad[i].tag);
		if (bad[i].facts)
			add_facts(&s);
		if (bad[i].descriptor)
			packet_add_descriptor(&s.answer, s.plain[1]);
		assert_int_equal(ask(&s, &facts), -1);
		assert_true(strlen(facts.reason) > 0);
		tear_down(&s);
		/* All is closed again. */
		int next = dup(STDERR_FILENO);
		assert_int_equal(next, lowest);
		close(next);
	}
}

static void
test_a_long_name_is_cut(void **state)
{
	(void)state;
	static struct stage s;
	struct tls_facts facts;
	char name[2000];
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	set_up(&s, "ok", "1");
	for (int i = 0; i < 5; i++)
		packet_add_text(&s.answer, name);
	packet_add_descriptor(&s.answer, s.plain[1]);
	int plain = ask(&s, &facts);
	assert_true(plain >= 0);
	assert_int_equal(strlen(facts.version), sizeof facts.version - 1);
	assert_int_equal(strlen(facts.server_name), sizeof facts.server_name - 1);
	/* The first 255 bytes of a login name are another login name. */
	assert_string_equal(facts.client_name, "");
	assert_string_equal(facts.binding, "");
	close(plain);
	tear_down(&s);
}

static void
test_no_answer(void **state)
{
	(void)state;
	static struct stage s;
	struct tls_facts facts;
	set_up(&s, "", NULL);
	assert_int_equal(tls_accept(s.ends[0], s.client[0], "1", 20, &facts), -1);
	assert_string_equal(facts.reason, "the handshake took too long");
	close(s.ends[1]);
	s.ends[1] = dup(s.ends[0]);
	assert_int_equal(tls_accept(s.ends[0], s.client[0], "1", 20, &facts), -1);
	assert_string_equal(facts.reason, "tlsd does not answer");
	tear_down(&s);
}

static int
connect_by(struct stage *s, struct tls_peer *peer)
{
	static const char *const records[] = {"3 1 1 00", "2 0 2 ff"};
	struct tls_wish wish = {.tag = "1", .policy = "dane", .names = "a.test,b.test", .tlsa_count = 2, .tlsa = records};
	assert_int_equal(packet_send(s->ends[1], &s->answer), PACKET_OK);
	return tls_connect(s->ends[0], s->client[0], 200, &wish, peer);
}

static void
test_connect(void **state)
{
	(void)state;
	static const char *const asked[] = {"1", "dane", "a.test,b.test", "3 1 1 00", "2 0 2 ff"};
	static struct stage s;
	static struct packet question;
	struct tls_peer peer;
	set_up(&s, "ok", "1");
	packet_add_text(&s.answer, "TLSv1.3");
	packet_add_text(&s.answer, "X");
	packet_add_text(&s.answer, "dane");
	packet_add_text(&s.answer, "a note");
	packet_add_descriptor(&s.answer, s.plain[1]);
	int plain = connect_by(&s, &peer);
	assert_true(plain >= 0);
	assert_string_equal(peer.how, "dane");
	assert_string_equal(peer.note, "a note");
	close(plain);
	assert_int_equal(packet_receive(s.ends[1], &question), PACKET_OK);
	assert_string_equal(packet_verb(&question), "connect");
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		assert_string_equal(packet_field(&question), asked[i]);
	assert_null(packet_field(&question));
	assert_int_equal(question.descriptor_count, 1);
	packet_close_descriptors(&question);
	tear_down(&s);
}

static void
check_refusal(const char *tag, const char *why, const char *kind, bool certificate, const char *reason)
{
	static struct stage s;
	struct tls_peer peer;
	set_up(&s, "no", tag);
	if (why != NULL)
		packet_add_text(&s.answer, why);
	if (kind != NULL)
		packet_add_text(&s.answer, kind);
	assert_int_equal(connect_by(&s, &peer), -1);
	assert_int_equal(peer.certificate, certificate);
	assert_string_equal(peer.reason, reason);
	tear_down(&s);
}

static void
test_connect_refused(void **state)
{
	(void)state;
	check_refusal("1", "expired", "certificate", true, "expired");
	check_refusal("1", "too slow", NULL, false, "too slow");
	check_refusal("1", NULL, NULL, false, "tlsd gave no reason");
	check_refusal("2", "expired", "certificate", false, "tlsd gave an answer that is not one");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ok),
	    cmocka_unit_test(test_no),
	    cmocka_unit_test(test_bad_answers),
	    cmocka_unit_test(test_a_long_name_is_cut),
	    cmocka_unit_test(test_no_answer),
	    cmocka_unit_test(test_connect),
	    cmocka_unit_test(test_connect_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
