/* authd/clients.h: connections at a time and rates, of addresses and of logins, in fixed memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/clients.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define NOW    (1000 * MINUTE)

static struct clients *clients;

static void
begin_with(const struct clients_options *options)
{
	struct str problem = STR_MOST(200);
	assert_true(clients_begin(clients, options, &problem));
	str_free(&problem);
}

static int
begin(void **state)
{
	(void)state;
	clients = calloc(1, sizeof *clients);
	begin_with(&(struct clients_options){.connections = 3, .rates = {0, 10, 4, 2, 2}, .user_rates = {0, 5, 0, 0, 0},
	    .exempt = "127.0.0.0/8", .permitted = "192.0.2.0/24"});
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(clients);
	return 0;
}

static const char *
enter(const char *service, const char *address, int64_t now, struct client_lease *lease)
{
	return clients_enter(clients, slice_of(service), slice_of(address), now, lease);
}

static const char *
does(struct client_lease *lease, enum client_kind kind, uint64_t count, const char *login, int64_t now)
{
	return clients_do(clients, lease, kind, count, slice_of(login), now);
}

static void
an_address_has_so_many_connections_at_a_time(void **state)
{
	(void)state;
	struct client_lease l[4];
	for (size_t i = 0; i < 3; i++)
		assert_null(enter("smtp", "203.0.113.1", NOW, &l[i]));
	assert_non_null(enter("smtp", "203.0.113.1", NOW, &l[3]));
	assert_null(l[3].place);
	clients_leave(&l[1]);
	assert_null(enter("smtp", "203.0.113.1", NOW, &l[3]));
}

static void
services_and_addresses_are_counted_apart_and_a_64_together(void **state)
{
	(void)state;
	struct client_lease l;
	for (size_t i = 0; i < 3; i++) {
		assert_null(enter("smtp", "203.0.113.1", NOW, &l));
		assert_null(enter("smtp", "2001:db8:1:2::1", NOW, &l));
	}
	assert_null(enter("imap", "203.0.113.1", NOW, &l));
	assert_null(enter("smtp", "203.0.113.2", NOW, &l));
	assert_non_null(enter("smtp", "::ffff:203.0.113.1", NOW, &l));
	assert_non_null(enter("smtp", "2001:db8:1:2:ffff::9", NOW, &l));
	assert_null(enter("smtp", "2001:db8:1:3::1", NOW, &l));
}

static void
the_exempt_are_not_counted(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1", "192.0.2.9", "unknown", ""};
	struct client_lease l;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		for (size_t n = 0; n < 20; n++) {
			assert_null(enter("smtp", addresses[i], NOW, &l));
			assert_null(l.place);
			assert_null(does(&l, CLIENT_TLS, 1, "", NOW));
		}
	assert_false(clients_counts(clients, &l, CLIENT_TLS));
	assert_true(clients_counts(clients, &l, CLIENT_MESSAGES)); /* of a login */
}

static void
a_rate_lets_a_minutes_worth_through_and_then_an_even_flow(void **state)
{
	(void)state;
	struct client_lease l;
	assert_null(enter("smtp", "203.0.113.1", NOW, &l));
	for (size_t i = 0; i < 10; i++)
		assert_null(does(&l, CLIENT_MESSAGES, 1, "", NOW));
	assert_non_null(does(&l, CLIENT_MESSAGES, 1, "", NOW));
	assert_non_null(does(&l, CLIENT_MESSAGES, 1, "", NOW + 5 * SECOND));
	assert_null(does(&l, CLIENT_MESSAGES, 1, "", NOW + 6 * SECOND)); /* the refused ones did not count */
	assert_non_null(does(&l, CLIENT_MESSAGES, 1, "", NOW + 6 * SECOND));
	assert_null(does(&l, CLIENT_TLS, 1, "", NOW));
	for (size_t i = 0; i < 10; i++)
		assert_null(does(&l, CLIENT_MESSAGES, 1, "", NOW + 3 * MINUTE));
}

static void
no_count_is_too_large(void **state)
{
	(void)state;
	struct client_lease l;
	assert_null(enter("smtp", "203.0.113.1", NOW, &l));
	assert_non_null(does(&l, CLIENT_RECIPIENTS, 5, "", NOW));
	assert_non_null(does(&l, CLIENT_RECIPIENTS, UINT64_MAX, "", NOW));
	assert_null(does(&l, CLIENT_RECIPIENTS, 4, "", NOW));
}

static void
a_rate_outlives_the_connection(void **state)
{
	(void)state;
	struct client_lease l;
	for (size_t i = 0; i < 2; i++) {
		assert_null(enter("smtp", "203.0.113.1", NOW, &l));
		assert_null(does(&l, CLIENT_AUTH, 1, "", NOW));
		clients_leave(&l);
	}
	assert_null(enter("smtp", "203.0.113.1", NOW, &l));
	assert_non_null(does(&l, CLIENT_AUTH, 1, "", NOW));
}

static void
a_login_is_counted_wherever_it_comes_from(void **state)
{
	(void)state;
	struct client_lease l;
	char address[32];
	for (int i = 0; i < 5; i++) {
		snprintf(address, sizeof address, "203.0.113.%d", i + 1);
		assert_null(enter("submission", address, NOW, &l));
		assert_null(does(&l, CLIENT_MESSAGES, 1, "ann@example.org", NOW));
	}
	assert_non_null(does(&l, CLIENT_MESSAGES, 1, "ann@example.org", NOW));
	assert_null(does(&l, CLIENT_MESSAGES, 1, "bob@example.org", NOW));
	struct client_lease exempt;
	assert_null(enter("submission", "127.0.0.1", NOW, &exempt));
	assert_non_null(does(&exempt, CLIENT_MESSAGES, 1, "ann@example.org", NOW));
}

static void
new_connections_have_a_rate(void **state)
{
	(void)state;
	struct client_lease l;
	begin_with(&(struct clients_options){.connections = 0, .rates = {6}, .exempt = "", .permitted = ""});
	for (size_t i = 0; i < 6; i++) {
		assert_null(enter("smtp", "203.0.113.1", NOW, &l));
		clients_leave(&l);
	}
	assert_non_null(enter("smtp", "203.0.113.1", NOW, &l));
	assert_null(enter("smtp", "203.0.113.1", NOW + 10 * SECOND, &l));
}

/* Who is connected keeps his place however many others come. */
static void
a_flood_of_addresses_makes_no_connection_forgotten(void **state)
{
	(void)state;
	struct client_lease held[3], l;
	char address[32];
	for (size_t i = 0; i < 3; i++)
		assert_null(enter("smtp", "203.0.113.1", NOW, &held[i]));
	for (int i = 0; i < 200000; i++) {
		snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
		assert_null(enter("smtp", address, NOW + i, &l));
		clients_leave(&l);
	}
	assert_non_null(enter("smtp", "203.0.113.1", NOW, &l));
}

static void
a_set_full_of_connected_clients_serves_one_more(void **state)
{
	(void)state;
	struct client_lease *leases = calloc(40000, sizeof *leases);
	char address[32];
	size_t counted = 0;
	assert_non_null(leases);
	for (int i = 0; i < 40000; i++) {
		snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
		assert_null(enter("smtp", address, NOW, &leases[i]));
		counted += leases[i].place != NULL;
	}
	assert_in_range(counted, 1, CLIENTS_SETS * CLIENTS_WAYS);
	for (int i = 0; i < 40000; i++)
		clients_leave(&leases[i]);
	free(leases);
}

static void
a_wrong_list_of_networks_is_told(void **state)
{
	(void)state;
	struct str problem = STR_MOST(300);
	assert_false(clients_begin(clients, &(struct clients_options){.exempt = "10.0.0.1/8", .permitted = ""}, &problem));
	assert_non_null(strstr(str_text(&problem), "10.0.0.1/8"));
	assert_false(clients_begin(clients, &(struct clients_options){.exempt = "", .permitted = "all"}, &problem));
	str_free(&problem);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(an_address_has_so_many_connections_at_a_time),
	    TEST(services_and_addresses_are_counted_apart_and_a_64_together),
	    TEST(the_exempt_are_not_counted),
	    TEST(a_rate_lets_a_minutes_worth_through_and_then_an_even_flow),
	    TEST(no_count_is_too_large),
	    TEST(a_rate_outlives_the_connection),
	    TEST(a_login_is_counted_wherever_it_comes_from),
	    TEST(new_connections_have_a_rate),
	    TEST(a_flood_of_addresses_makes_no_connection_forgotten),
	    TEST(a_set_full_of_connected_clients_serves_one_more),
	    TEST(a_wrong_list_of_networks_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
