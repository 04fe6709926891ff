/* lib/base/networks.h and lib/base/ip.h: is an address in a list of networks? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/networks.h"

static void
test_addresses(void **state)
{
	(void)state;
	struct ip ip;
	assert_true(ip_parse(&ip, slice_of("192.0.2.1")));
	assert_int_equal(ip.len, 4);
	assert_memory_equal(ip.bytes, "\xc0\x00\x02\x01", 4);
	assert_true(ip_parse(&ip, slice_of("::ffff:192.0.2.1")));
	assert_int_equal(ip.len, 4);
	assert_true(ip_parse(&ip, slice_of("fe80::1%eth0")));
	assert_int_equal(ip.len, 16);
	static const char *const wrong[] = {"", "unknown", "192.0.2.256", "192.0.2", "::1::", "%eth0"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(ip_parse(&ip, slice_of(wrong[i])));
		assert_int_equal(ip.len, 0);
	}
	assert_false(ip_parse(&ip, slice_make("192.0.2.1\0", 10)));
}

static enum networks_answer
hold(const char *list, const char *address)
{
	struct ip ip = {.len = 0};
	struct slice entry;
	if (address != NULL)
		assert_true(ip_parse(&ip, slice_of(address)));
	return networks_hold(slice_of(list), &ip, &entry);
}

static void
test_networks(void **state)
{
	(void)state;
	const char *list = "127.0.0.0/8, [::1]/128\n192.0.2.128/25 198.51.100.7 2001:db8:8000::/33";
	assert_int_equal(hold(list, "127.1.2.3"), NETWORKS_YES);
	assert_int_equal(hold(list, "128.0.0.1"), NETWORKS_NO);
	assert_int_equal(hold(list, "::1"), NETWORKS_YES);
	assert_int_equal(hold(list, "::2"), NETWORKS_NO);
	assert_int_equal(hold(list, "192.0.2.127"), NETWORKS_NO);
	assert_int_equal(hold(list, "192.0.2.128"), NETWORKS_YES);
	assert_int_equal(hold(list, "198.51.100.7"), NETWORKS_YES);
	assert_int_equal(hold(list, "198.51.100.6"), NETWORKS_NO);
	assert_int_equal(hold(list, "2001:db8:8000::1"), NETWORKS_YES);
	assert_int_equal(hold(list, "2001:db8:7fff::1"), NETWORKS_NO);
	assert_int_equal(hold(list, "::ffff:127.0.0.1"), NETWORKS_YES);
	assert_int_equal(hold(list, NULL), NETWORKS_NO);
	assert_int_equal(hold("", "127.0.0.1"), NETWORKS_NO);
	assert_int_equal(hold("::ffff:127.0.0.0/104", "127.0.0.1"), NETWORKS_YES);
}

static void
test_wrong_networks(void **state)
{
	(void)state;
	static const char *const wrong[] = {"0.0.0.0/0", "::/0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/",
	    "/8", "[::1", "[]", "::1/129", "10.0.0.0/-1", "::ffff:0.0.0.0/96", "::ffff:10.0.0.0/8", "10.0.0.0/8/8",
	    "fe80::%eth0/64"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(hold(wrong[i], "127.0.0.1"), NETWORKS_WRONG);
		/* Found even where an earlier entry fits. */
		char list[100];
		snprintf(list, sizeof list, "127.0.0.0/8 %s", wrong[i]);
		assert_int_equal(hold(list, "127.0.0.1"), NETWORKS_WRONG);
	}
}

static enum networks_answer
allow(const char *list, const char *address)
{
	struct ip ip = {.len = 0};
	struct slice entry;
	if (address != NULL)
		assert_true(ip_parse(&ip, slice_of(address)));
	return networks_allow(slice_of(list), &ip, &entry);
}

static void
test_allow_nets(void **state)
{
	(void)state;
	const char *list = "127.0.0.1/8,192.168.0.0/16,::1";
	assert_int_equal(allow(list, "127.9.9.9"), NETWORKS_YES);
	assert_int_equal(allow(list, "192.168.200.1"), NETWORKS_YES);
	assert_int_equal(allow(list, "::ffff:192.168.200.1"), NETWORKS_YES);
	assert_int_equal(allow(list, "::1"), NETWORKS_YES);
	assert_int_equal(allow(list, "::2"), NETWORKS_NO);
	assert_int_equal(allow(list, "192.169.0.1"), NETWORKS_NO);
	assert_int_equal(allow(list, NULL), NETWORKS_NO);
	assert_int_equal(allow("", "127.0.0.1"), NETWORKS_NO);
	assert_int_equal(allow("0.0.0.0/0", "203.0.113.9"), NETWORKS_YES);
	assert_int_equal(allow("0.0.0.0/0", "2001:db8::1"), NETWORKS_NO);
	assert_int_equal(allow("::/0", "2001:db8::1"), NETWORKS_YES);
}

static void
test_allow_nets_local(void **state)
{
	(void)state;
	assert_int_equal(allow("192.0.2.1,Local", NULL), NETWORKS_YES);
	assert_int_equal(allow("local", "127.0.0.1"), NETWORKS_NO);
	/* In a setting's list it is a mistake. */
	assert_int_equal(hold("local", "127.0.0.1"), NETWORKS_WRONG);
}

static void
test_wrong_allow_nets(void **state)
{
	(void)state;
	static const char *const wrong[] = {"localhost", "10.0.0.0/33", "10.0.0/8", "*", "10.0.0.0/", "/8", "::1/129", "10.0.0.0-10.0.0.9"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct ip ip = ip_of("\x7f\x00\x00\x01", 4);
		struct slice entry;
		char list[100];
		snprintf(list, sizeof list, "127.0.0.1,%s", wrong[i]);
		assert_int_equal(networks_allow(slice_of(list), &ip, &entry), NETWORKS_WRONG);
		assert_true(slice_is(entry, wrong[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_wrong_networks),
	    cmocka_unit_test(test_allow_nets),
	    cmocka_unit_test(test_allow_nets_local),
	    cmocka_unit_test(test_wrong_allow_nets),
	};
	return cmocka_run_group_tests_name("base networks", tests, NULL, NULL);
}
