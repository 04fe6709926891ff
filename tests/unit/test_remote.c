/* What postern-remote is told and decides before it speaks: policies, requests, keys, TLSA records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/dns/dns.h"
#include "queue/outward_keys.h"
#include "queue/remote_policy.h"
#include "queue/remote_request.h"
#include "queue/report.h"

/* --- policies ---------------------------------------------------------------------------- */

static const char list[] = "# ours\n\n a.test  verify mx.other.test  x.test\r\n.b.test\tEncrypt # all beneath\n[c.test]:587 secure\n"
			   "c.test none\nd.test:26 dane\nb.test may\n";

static void
check_policy(const char *transport, enum tls_policy wanted, bool listed, const char *names)
{
	struct policy_rules rules;
	struct route route;
	assert_true(policy_read("dane", list, &rules));
	assert_true(route_parse(slice_of(transport), slice_of(""), &route));
	struct policy p = policy_find(&rules, &route);
	assert_int_equal(p.wanted, wanted);
	assert_int_equal(p.listed, listed);
	assert_true(slice_is(p.names, names));
}

static void
test_policies(void **state)
{
	(void)state;
	check_policy("a.test", TLS_VERIFY, true, "mx.other.test  x.test");
	check_policy("A.Test", TLS_VERIFY, true, "mx.other.test  x.test");
	check_policy("[a.test]", TLS_DANE, false, "");
	check_policy("sub.a.test", TLS_DANE, false, "");
	check_policy("b.test", TLS_MAY, true, "");
	check_policy("x.y.b.test", TLS_ENCRYPT, true, "");
	check_policy("xb.test", TLS_DANE, false, "");
	check_policy("[h.b.test]:26", TLS_ENCRYPT, true, "");
	check_policy("[c.test]:587", TLS_SECURE, true, "");
	check_policy("[c.test]", TLS_DANE, false, "");
	check_policy("c.test", TLS_NONE, true, "");
	check_policy("c.test:26", TLS_DANE, false, "");
	check_policy("d.test:26", TLS_DANE, true, "");
}

static void
test_wrong_policies(void **state)
{
	(void)state;
	static const char *const wrong[] = {"a.test", "a.test maybe", "verify a.test", ". may", "a..b: may", "[x may", "a.test verify x,y"};
	struct policy_rules rules;
	log_set_level(LOG_ERROR + 1);
	assert_false(policy_read("yes", "", &rules));
	assert_false(policy_read("", "", &rules));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(policy_read("may", wrong[i], &rules));
	assert_true(policy_read("may", "", &rules));
}

/* --- requests ---------------------------------------------------------------------------- */

/* Fields with '|' between. */
static bool
read_fields(const char *fields, bool descriptor, struct remote_request *r, struct packet *p)
{
	struct slice rest = slice_of(fields), field;
	packet_begin(p, "send");
	while (slice_split(&rest, '|', &field))
		packet_add(p, field);
	if (slice_ends(slice_of(fields), "|"))
		packet_add_text(p, "");
	if (descriptor)
		packet_add_descriptor(p, 0);
	return remote_request_read(p, r);
}

static void
test_requests(void **state)
{
	(void)state;
	static struct packet p;
	static struct remote_request r;
	assert_true(read_fields("t|id|a@b||5|100|body=BINARYMIME smtputf8=1 envid=x+2By requiretls=1 ret=HDRS new=1|c@d|notify=NEVER|e@f|orcpt=rfc822;e@f z", true, &r, &p));
	const struct errand *e = &r.errand;
	assert_true(e->binary && !e->eight_bit && e->utf8 && e->require_tls);
	assert_true(slice_is(e->envid, "x+2By") && slice_is(e->ret, "HDRS"));
	assert_int_equal(e->count, 2);
	assert_true(slice_is(e->recipients[0].notify, "NEVER") && e->recipients[0].orcpt.len == 0);
	assert_true(slice_is(e->recipients[1].orcpt, "rfc822;e@f") && e->recipients[1].notify.len == 0);
	assert_int_equal(e->offset, 5);
	assert_int_equal(e->length, 100);
	assert_true(read_fields("t|id|||0|0||c@d|", true, &r, &p));
	assert_true(!r.errand.utf8 && !r.errand.require_tls && !r.errand.binary);
}

static void
test_bad_requests(void **state)
{
	(void)state;
	static struct packet p;
	static struct remote_request r;
	static const char *const bad[] = {"", "t", "t|id|a@b||5", "t|id|a@b||5|100", "t|id|a@b||5|100|", "t|id|a@b||5|100||c@d",
	    "t|id|a@b||x|100||c@d|", "t|id|a@b||5|-1||c@d|", "t|id|a\n@b||5|100||c@d|", "t|id|a@b||5|100|envid=\r\nDATA|c@d|",
	    "t|id|a@b||5|100||c@d|orcpt=\n", "t|id|a@b||5|100|||", "t|id|a@b||5|100||c\rd|"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(read_fields(bad[i], true, &r, &p));
	assert_false(read_fields("t|id|a@b||5|100||c@d|", false, &r, &p));
}

/* --- keys of the queue file ----------------------------------------------------------------- */

static void
check_keys(const char *keys, const char *address, const char *wanted, bool silent)
{
	struct file_recipient all[] = {
	    {.address = slice_of(address), .keys = slice_of(keys), .parent = NO_PARENT, .expanded = true, .targets = 1},
	    {.address = slice_of("target@x"), .parent = 0},
	};
	struct queue_file f = {.recipients = all, .count = 2, .sender = slice_of("s@x")};
	struct str got = STR_MOST(4096);
	outward_recipient_keys(&got, &f, &all[1]);
	assert_string_equal(str_text(&got), wanted);
	assert_int_equal(report_failed(&f, &all[1]), silent ? RECIPIENT_RETURNED : RECIPIENT_FAILED);
	str_free(&got);
}

static void
test_recipient_keys(void **state)
{
	(void)state;
	check_keys("", "a+b=c@x", "orcpt=rfc822;a+2Bb+3Dc@x", false);
	check_keys("notify=NEVER", "a@x", "notify=NEVER orcpt=rfc822;a@x", true);
	check_keys("notify=SUCCESS,DELAY", "a@x", "notify=SUCCESS,DELAY orcpt=rfc822;a@x", true);
	check_keys("notify=SUCCESS,FAILURE", "a@x", "notify=SUCCESS,FAILURE orcpt=rfc822;a@x", false);
	check_keys("orcpt=rfc822;b\\x5cc", "a@x", "orcpt=rfc822;b\\c", false);
	check_keys("orcpt=rfc822;b\\x20c", "a@x", "", false);
	check_keys("", "j\xc3\xbc@x", "", false);
	char address[400], wanted[1300] = "";
	memset(address, '+', sizeof address - 1);
	address[sizeof address - 1] = '\0';
	check_keys("", address, wanted, false); /* it would be longer than RFC 3461 allows */
}

static void
test_message_keys(void **state)
{
	(void)state;
	struct queue_file f = {.with = slice_of("with session=x\nwith body=8BITMIME\nwith login=\nwith envid=a\\x5cb\nwith requiretls=1\n")};
	struct str got = STR_MOST(4096);
	outward_message_keys(&got, &f);
	assert_string_equal(str_text(&got), "body=8BITMIME envid=a\\b requiretls=1");
	str_free(&got);
}

/* --- TLSA ------------------------------------------------------------------------------------ */

static void
test_tlsa(void **state)
{
	(void)state;
	static struct dns_tlsa record;
	static char big[3 + DNS_TLSA_MOST + 1];
	assert_true(dns_read_tlsa(slice_make("\3\1\1xy", 5), &record));
	assert_true(record.usage == 3 && record.selector == 1 && record.matching == 1 && record.len == 2 && record.data[1] == 'y');
	assert_false(dns_read_tlsa(slice_make("\3\1\1", 3), &record));
	assert_true(dns_read_tlsa(slice_make(big, 3 + DNS_TLSA_MOST), &record));
	assert_false(dns_read_tlsa(slice_make(big, sizeof big), &record));
	/* The question says that we know AD, the answer has it. */
	unsigned char query[DNS_QUERY_MOST];
	size_t len = dns_build_query(query, 7, "_25._tcp.x.test", DNS_TYPE_TLSA);
	assert_true(len > 0 && dns_is_authentic(slice_make((char *)query, len)));
	query[3] = 0x80;
	assert_false(dns_is_authentic(slice_make((char *)query, len)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policies), cmocka_unit_test(test_wrong_policies), cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_bad_requests), cmocka_unit_test(test_recipient_keys), cmocka_unit_test(test_message_keys),
	    cmocka_unit_test(test_tlsa),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
