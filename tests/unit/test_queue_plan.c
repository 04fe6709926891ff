/* Retry times, the line of waiting messages, aliases, routes, the text of sendmail, replies, DNS answers, the body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue/destination.h"
#include "queue/expand.h"
#include "queue/remote_body.h"
#include "lib/dns/dns.h"
#include "queue/remote_hosts.h"
#include "queue/remote_reply.h"
#include "queue/remote_route.h"
#include "queue/retry.h"
#include "queue/sendmail_text.h"
#include "queue/told.h"
#include "queue/waiting.h"
#include "queue/window.h"

static void
test_retry(void **state)
{
	(void)state;
	static const uint64_t waits[] = {300, 600, 1200, 2400, 3600, 3600};
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(retry_wait(i + 1, 300, 3600), waits[i]);
	assert_int_equal(retry_wait(9999, 300, 3600), 3600);
	assert_int_equal(retry_wait(9999, UINT64_MAX, UINT64_MAX), UINT64_MAX);
	assert_true(retry_is_over(1000, 1000 + 432001, 432000));
	assert_false(retry_is_over(1000, 1000 + 432000, 432000));
	assert_false(retry_is_over(1000, 5, 432000)); /* the clock went back */
	assert_false(retry_is_spent(0, 300, 3600, 1));
	assert_false(retry_is_spent(3, 300, 3600, 2100));
	assert_true(retry_is_spent(3, 300, 3600, 2099));
	assert_false(retry_is_spent(9998, 1, 1, 432000));
	assert_true(retry_is_spent(9999, 1, 1, 432000));
	assert_true(retry_is_spent(2, UINT64_MAX, UINT64_MAX, UINT64_MAX));
}

static void
test_retry_spread(void **state)
{
	(void)state;
	for (uint64_t chance = 0; chance < 1000; chance++) {
		uint64_t wait = retry_spread(3600, chance);
		assert_true(wait <= 3600 && wait >= 3600 - 450);
		assert_int_equal(retry_spread(5, chance), 5);
	}
	assert_int_equal(retry_spread(3600, 0), 3600);
	assert_int_equal(retry_spread(3600, 450), 3150);
	assert_int_equal(retry_spread(0, UINT64_MAX), 0);
}

static bool
hold_even(void *context, struct waiting_entry *e)
{
	(void)context;
	if (e->id % 2 == 0)
		e->due = DUE_HELD;
	return e->id % 2 == 0;
}

static bool
drop(void *context, struct waiting_entry *e)
{
	(void)context;
	e->id = 0;
	return true;
}

static void
test_held(void **state)
{
	(void)state;
	struct waiting w = {0};
	struct waiting_entry e;
	for (uint64_t i = 1; i <= 100; i++)
		assert_true(waiting_add(&w, (struct waiting_entry){.id = i, .due = waiting_time(i * 10)}));
	uint64_t all[100];
	for (size_t i = 0; i < 100; i++)
		all[i] = i + 1;
	assert_int_equal(waiting_change_these(&w, all + 6, 1, hold_even, NULL), 0);
	assert_int_equal(waiting_change_these(&w, all + 7, 1, hold_even, NULL), 1);
	assert_int_equal(waiting_change_these(&w, all, 100, hold_even, NULL), 50);
	assert_int_equal(waiting_hurry_these(&w, all + 7, 1, 1), 0);
	assert_int_equal(waiting_hurry(&w, 1), 50);
	for (uint64_t i = 0; i < 50; i++)
		assert_true(waiting_take(&w, UINT64_MAX - 1, &e) && e.id == 2 * i + 1);
	assert_false(waiting_take(&w, UINT64_MAX - 1, &e));
	assert_int_equal(waiting_change_these(&w, all + 7, 2, drop, NULL), 1);
	assert_int_equal(waiting_change_these(&w, all + 7, 2, drop, NULL), 0);
	assert_int_equal(w.count, 49);
	free(w.heap);
}

static void
test_waiting(void **state)
{
	(void)state;
	struct waiting w = {0};
	struct waiting_entry e;
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(waiting_add(&w, (struct waiting_entry){.id = i + 1, .due = waiting_time((i * 7919) % 1000)}));
	assert_int_equal(waiting_hurry_these(&w, &(uint64_t){500}, 1, 0), 1);
	uint64_t last = 0, taken = 0;
	while (waiting_take(&w, 600, &e)) {
		assert_true(e.due >= last);
		last = e.due;
		taken++;
	}
	assert_true(taken >= 600 && taken <= 602);
	assert_int_equal(waiting_hurry(&w, 1), w.count);
	while (waiting_take(&w, 1, &e))
		taken++;
	assert_int_equal(taken, 1000);
	free(w.heap);
}

static void
test_waits_after_a_clock_has_gone_back(void **state)
{
	(void)state;
	struct waiting w = {0};
	struct waiting_entry e;
	for (uint64_t i = 1; i <= 100; i++)
		assert_true(waiting_add(&w, (struct waiting_entry){.id = i, .due = waiting_time(1000 + i)}));
	assert_true(waiting_add(&w, (struct waiting_entry){.id = 101, .due = waiting_time(DUE_HELD)}));
	assert_int_equal(waiting_limit(&w, 500, 550), 50);
	for (uint64_t i = 51; i <= 100; i++)
		assert_true(waiting_take(&w, 500, &e) && e.id == i);
	assert_false(waiting_take(&w, 1000, &e)); /* what waits no longer than it may keeps its time */
	assert_int_equal(waiting_limit(&w, 1000, 3600), 0);
	assert_true(waiting_take(&w, 1001, &e) && e.id == 1);
	free(w.heap);
}

static void
test_calling_what_is_parked(void **state)
{
	(void)state;
	struct waiting w = {0};
	struct waiting_entry e;
	for (uint32_t i = 1; i <= 300; i++)
		assert_true(waiting_add(&w, (struct waiting_entry){.id = i, .due = 1000 + i, .tag = (i % 3 + 1) & TAG_MASK, .parked = i <= 150}));
	assert_int_equal(waiting_call(&w, 1, 500, 20), 20);
	assert_int_equal(waiting_call(&w, 1, 500, 20), 20); /* others: those are due */
	assert_int_equal(waiting_call(&w, 1, 500, 20), 10); /* what is not parked waits for its time */
	assert_int_equal(waiting_call(&w, 4, 500, 20), 0);
	for (uint64_t i = 3; i <= 150; i += 3)
		assert_true(waiting_take(&w, 999, &e) && e.id == i && e.tag == 1 && e.parked);
	assert_false(waiting_take(&w, 999, &e));
	assert_int_equal(waiting_change_these(&w, &(uint64_t){1}, 1, hold_even, NULL), 0);
	assert_int_equal(waiting_change_these(&w, &(uint64_t){4}, 1, hold_even, NULL), 1);
	assert_int_equal(waiting_call(&w, 2, 500, 1000), 49); /* what is held is not called */
	free(w.heap);
}

static void
test_time_of_what_waits(void **state)
{
	(void)state;
	struct waiting w = {0};
	assert_int_equal(sizeof(struct waiting_entry), 16);
	assert_int_equal(waiting_time(1795226861), 1795226861);
	assert_int_equal(waiting_time(9999999999), DUE_HELD - 1);
	assert_int_equal(waiting_time(DUE_HELD), DUE_HELD);
	struct waiting_entry e;
	assert_true(waiting_add(&w, (struct waiting_entry){.id = 7, .due = 5000, .found = 1}));
	assert_int_equal(waiting_hurry(&w, 100), 1);
	assert_true(waiting_take(&w, 100, &e) && e.found && e.hurried);
	free(w.heap);
}

static const struct window_rules rules = {.first = 5, .most = 20, .failures = 3, .pause = 1000};

static void
test_window_grows(void **state)
{
	(void)state;
	struct window w;
	window_begin(&w, &rules);
	assert_true(window_is_new(&w, &rules));
	assert_int_equal(window_limit(&w, 0), 5);
	for (int i = 0; i < 5; i++)
		window_success(&w, &rules);
	assert_int_equal(window_limit(&w, 0), 6);
	assert_false(window_is_new(&w, &rules));
	for (int i = 0; i < 1000; i++)
		window_success(&w, &rules);
	assert_int_equal(window_limit(&w, 0), 20);
	assert_false(window_failure(&w, &rules, 0));
	assert_int_equal(window_limit(&w, 0), 10);
	window_success(&w, &rules);
	assert_false(window_failure(&w, &rules, 0)); /* in a row only */
	assert_false(window_failure(&w, &rules, 0));
	assert_int_equal(window_limit(&w, 0), 2);
	for (int i = 0; i < 100; i++)
		window_success(&w, &(struct window_rules){.first = 5, .most = 1, .failures = 3});
	window_begin(&w, &(struct window_rules){.first = 5, .most = 1, .failures = 3});
	assert_int_equal(window_limit(&w, 0), 1);
}

static void
test_window_dies_and_lives(void **state)
{
	(void)state;
	struct window w;
	window_begin(&w, &rules);
	assert_false(window_failure(&w, &rules, 100));
	assert_false(window_failure(&w, &rules, 100));
	assert_true(window_failure(&w, &rules, 100));
	assert_false(window_failure(&w, &rules, 200)); /* it was under way: the pause is not longer for it */
	assert_int_equal(window_limit(&w, 1099), 0);
	assert_int_equal(window_limit(&w, 1100), 1);   /* the probe */
	assert_true(window_failure(&w, &rules, 1100)); /* one is enough */
	assert_int_equal(window_limit(&w, 2099), 0);
	assert_int_equal(window_limit(&w, 2100), 1);
	window_success(&w, &rules);
	assert_int_equal(window_limit(&w, 2100), 5);
	assert_true(window_is_new(&w, &rules));
}

/* Messages are told apart by where they are only. */
static char messages[8];

static struct group *
join(struct traffic *t, const char *name, int message, bool several)
{
	struct group *g = calloc(1, sizeof *g);
	g->message = (struct message *)(void *)&messages[message];
	destination_join(destination_of(t, slice_of(name)), g, several);
	return g;
}

static struct group *
end(struct group *g, enum served s, int64_t now)
{
	struct outcome why = outcome_make("4.4.1", "it is away");
	struct group *line;
	destination_served(g->destination, s, &why, now, &line);
	free(g);
	return line;
}

static void
test_destinations_take_turns(void **state)
{
	(void)state;
	struct traffic t = {.rules = rules, .places = 4};
	struct group *a[5], *b, *c;
	for (int i = 0; i < 5; i++)
		a[i] = join(&t, "a", 0, false);
	b = join(&t, "b", 0, false);
	c = join(&t, "c", 0, false);
	assert_ptr_equal(destination_next(&t, 0), a[0]);
	assert_ptr_equal(destination_next(&t, 0), b);
	assert_ptr_equal(destination_next(&t, 0), c);
	/* One place is left: it is not for one that has one. */
	assert_null(destination_next(&t, 0));
	assert_null(end(b, SERVED_WELL, 0));
	assert_ptr_equal(destination_next(&t, 0), a[1]);
	assert_null(end(c, SERVED_WELL, 0));
	assert_null(destination_next(&t, 0));
	for (int i = 0; i < 5; i++) {
		assert_null(end(a[i], SERVED_WELL, 0));
		destination_next(&t, 0);
	}
	assert_int_equal(t.busy, 0);
}

static void
test_messages_take_turns(void **state)
{
	(void)state;
	struct traffic t = {.rules = rules, .places = 1};
	/* A message of many groups, then three of one. */
	struct group *many[4], *one[3];
	for (int i = 0; i < 4; i++)
		many[i] = join(&t, "a", 0, true);
	assert_ptr_equal(destination_next(&t, 0), many[0]);
	for (int i = 0; i < 3; i++)
		one[i] = join(&t, "a", i + 1, false);
	struct group *const order[] = {one[0], one[1], one[2], many[1], many[2], many[3]};
	struct group *g = many[0];
	for (int i = 0; i < 6; i++) {
		assert_null(end(g, SERVED_WELL, 0));
		g = destination_next(&t, 0);
		assert_ptr_equal(g, order[i]);
	}
	end(g, SERVED_WELL, 0);
}

static void
test_a_dead_destination(void **state)
{
	(void)state;
	struct traffic t = {.rules = rules, .places = 50};
	for (int i = 0; i < 8; i++)
		join(&t, "dead", i, false);
	struct destination *d = destination_of(&t, slice_of("dead"));
	struct group *busy[5], *line;
	for (int i = 0; i < 5; i++)
		busy[i] = destination_next(&t, 0);
	assert_null(destination_next(&t, 0));
	assert_null(end(busy[0], SERVED_BADLY, 0));
	assert_null(end(busy[1], SERVED_NOT, 0));
	assert_null(end(busy[2], SERVED_BADLY, 0));
	line = end(busy[3], SERVED_BADLY, 0);
	for (int i = 0; i < 3; i++) {
		assert_non_null(line);
		struct group *next = line->next;
		free(line);
		line = next;
	}
	assert_null(line);
	assert_null(end(busy[4], SERVED_BADLY, 0));
	assert_string_equal(d->reason->text, "it is away");
	assert_int_equal(destination_admits(d, 1000, 999), DESTINATION_DEAD);
	assert_int_equal(destination_wants(d, 1000, 999), SIZE_MAX); /* all that are parked, to be deferred */
	assert_int_equal(destination_admits(d, 1000, 1000), DESTINATION_OPEN);
	assert_ptr_equal(destination_tagged(d->tag), d);
	join(&t, "dead", 0, false);
	assert_int_equal(destination_admits(d, 1000, 1000), DESTINATION_FULL); /* one probe */
	uint32_t tag = d->tag;
	end(destination_next(&t, 1000), SERVED_WELL, 1000);
	assert_null(destination_tagged(tag)); /* it is as if nothing had been */
}

static void
test_length_of_a_line(void **state)
{
	(void)state;
	struct traffic t = {.rules = rules, .places = 50};
	struct destination *d = destination_of(&t, slice_of("long"));
	assert_int_equal(destination_admits(d, 0, 0), DESTINATION_OPEN); /* one may always be there */
	struct group *g[6];
	for (int i = 0; i < 6; i++)
		g[i] = join(&t, "long", i, false);
	assert_int_equal(destination_admits(d, 3, 0), DESTINATION_FULL);
	assert_int_equal(destination_admits(d, 4, 0), DESTINATION_OPEN);
	assert_int_equal(destination_wants(d, 6, 0), 0);
	assert_int_equal(destination_wants(d, 7, 0), 8);
	for (int i = 0; i < 6; i++)
		assert_ptr_equal(destination_take(&t), g[i]), free(g[i]);
	assert_null(destination_take(&t));
}

static void
test_memory_of_destinations(void **state)
{
	(void)state;
	struct traffic t = {.rules = rules, .places = 50};
	char name[32];
	for (int i = 0; i < DESTINATIONS_MOST + 500; i++) {
		snprintf(name, sizeof name, "d%d.test", i);
		join(&t, name, 0, false);
		end(destination_next(&t, 0), SERVED_BADLY, 0);
	}
	assert_int_equal(destination_of(&t, slice_of("d499.test"))->window.failures, 0);
	assert_int_equal(destination_of(&t, slice_of("d501.test"))->window.failures, 1);
}

static void
test_told(void **state)
{
	(void)state;
	static struct told t;
	char login[16];
	told_begin(&t);
	assert_false(told_has(&t, slice_of("a@x"), 1000));
	told_add(&t, slice_of("a@x"), 1000);
	assert_true(told_has(&t, slice_of("a@x"), 1000 + TOLD_TIME - 1));
	assert_false(told_has(&t, slice_of("a@x"), 1000 + TOLD_TIME));
	assert_false(told_has(&t, slice_of("b@x"), 1000));
	told_add(&t, slice_of("b@x"), 1000);
	told_remove(&t, slice_of("b@x"));
	told_remove(&t, slice_of("b@x"));
	assert_false(told_has(&t, slice_of("b@x"), 1000));
	assert_true(told_has(&t, slice_of("a@x"), 1000));
	/* Full: nobody is forgotten while it matters, and who is not known is no reason to tell. */
	for (int i = 0; i < TOLD_LOGINS - 1; i++) {
		snprintf(login, sizeof login, "u%d@x", i);
		told_add(&t, slice_of(login), 2000);
	}
	assert_true(told_has(&t, slice_of("a@x"), 2000));
	assert_true(told_has(&t, slice_of("stranger@x"), 2000));
	told_add(&t, slice_of("stranger@x"), 3000);
	assert_true(told_has(&t, slice_of("u7@x"), 2000 + TOLD_TIME - 1));
	assert_false(told_has(&t, slice_of("u7@x"), 2000 + TOLD_TIME));
}

/* A file in memory with these recipients, each of which came from its parent. */
static void
make_file(struct queue_file *f, struct file_recipient *recipients, size_t count)
{
	*f = (struct queue_file){.recipients = recipients, .count = count};
}

static void
test_expand_loops(void **state)
{
	(void)state;
	struct file_recipient r[] = {
	    {.address = slice_of("a@x"), .parent = NO_PARENT, .expanded = true},
	    {.address = slice_of("b@x"), .parent = 0},
	};
	struct queue_file f;
	struct file_target targets[3];
	make_file(&f, r, 2);
	struct slice back[] = {slice_of("a@x"), slice_of("b@x"), slice_of("c@x")};
	struct outcome o = expand_targets(&f, 1, back, 3, targets);
	assert_true(outcome_is_done(&o));
	assert_true(targets[0].final && targets[1].final && !targets[2].final);
	struct slice bad[] = {slice_of("a\n@x")};
	o = expand_targets(&f, 1, bad, 1, targets);
	assert_int_equal(o.class, OUTCOME_TEMPORARY);
}

static void
test_expand_bounds(void **state)
{
	(void)state;
	static struct file_recipient chain[EXPAND_DEPTH_MOST + 1];
	struct queue_file f;
	struct file_target target;
	struct slice one = slice_of("z@x");
	for (uint32_t i = 0; i <= EXPAND_DEPTH_MOST; i++)
		chain[i] = (struct file_recipient){.address = slice_of("a@x"), .parent = i == 0 ? NO_PARENT : i - 1};
	make_file(&f, chain, EXPAND_DEPTH_MOST + 1);
	struct outcome o = expand_targets(&f, EXPAND_DEPTH_MOST - 1, &one, 1, &target);
	assert_true(outcome_is_done(&o));
	o = expand_targets(&f, EXPAND_DEPTH_MOST, &one, 1, &target);
	assert_string_equal(o.code, "5.4.6");
	f.count = FILE_RECIPIENTS_MOST;
	o = expand_targets(&f, 0, &one, 1, &target);
	assert_string_equal(o.code, "5.5.3");
}

static void
test_address_set(void **state)
{
	(void)state;
	static struct file_recipient r[2000];
	static char texts[1000][16];
	struct queue_file f;
	struct address_set set = {0};
	for (int i = 0; i < 2000; i++) {
		snprintf(texts[i % 1000], sizeof texts[0], "u%d@x", i % 1000);
		r[i] = (struct file_recipient){.address = slice_of(texts[i % 1000]), .parent = NO_PARENT};
	}
	make_file(&f, r, 2000);
	uint32_t there;
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(address_set_add(&set, &f, i, &there), i < 1000 ? SET_ADDED : SET_THERE);
		assert_int_equal(there, i % 1000);
	}
	assert_true(address_set_find(&set, &f, 1999, &there));
	assert_int_equal(there, 999);
	/* One that is not in the set: where the others stand depends on what they are. */
	r[1005].final = true;
	assert_false(address_set_find(&set, &f, 1005, &there));
	assert_int_equal(address_set_add(&set, &f, 1005, &there), SET_ADDED);
	address_set_free(&set);
}

static void
check_route(const char *transport, const char *domain, const char *host, unsigned port, bool mx)
{
	struct route r;
	assert_true(route_parse(slice_of(transport), slice_of(domain), &r));
	assert_string_equal(r.host, host);
	assert_int_equal(r.port, port);
	assert_int_equal(r.mx, mx);
}

static void
test_routes(void **state)
{
	(void)state;
	struct route r;
	check_route("", "x.test", "x.test", 25, true);
	check_route("", "[192.0.2.1]", "192.0.2.1", 25, false);
	check_route("", "[IPv6:2001:db8::1]", "2001:db8::1", 25, false);
	check_route("smtp:[Relay.test]:587", "x.test", "relay.test", 587, false);
	check_route("smtp:relay.test", "x.test", "relay.test", 25, true);
	check_route("smtp:", "x.test", "x.test", 25, true);
	check_route("[127.0.0.1]:2525", "x.test", "127.0.0.1", 2525, false);
	check_route("relay.test:26", "x.test", "relay.test", 26, true);
	check_route("smtps:[relay.test]", "x.test", "relay.test", 465, false);
	check_route("smtps:relay.test:4650", "x.test", "relay.test", 4650, true);
	assert_true(route_parse(slice_of("SMTPS:x"), slice_of(""), &r) && r.tls);
	assert_true(route_parse(slice_of("smtp:x"), slice_of(""), &r) && !r.tls);
	static const char *const wrong[] = {"[x", "[]", "a b", "x:0", "x:65536", "x:y", "[x]y", "x;y", "a::b", "[x:y]", "[IPv6:192.0.2.1]", "[IPv6:x]",
	    "lmtp:unix:", "lmtp:unix:x", "lmtp:[x", "smtp:unix:/x", "lmtp:x:y"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(route_parse(slice_of(wrong[i]), slice_of("x.test"), &r));
	/* A domain names no port and no host in brackets. */
	static const char *const no_domains[] = {"x.test:26", "[x.test]", "[192.0.2.1]:26", "", "[]", "unix:/x"};
	for (size_t i = 0; i < sizeof no_domains / sizeof *no_domains; i++) {
		assert_false(route_parse(slice_of(""), slice_of(no_domains[i]), &r));
		assert_false(route_parse(slice_of("lmtp:"), slice_of(no_domains[i]), &r));
	}
}

static void
test_routes_by_lmtp(void **state)
{
	(void)state;
	struct route r;
	check_route("lmtp:[Store.test]:2003", "x.test", "store.test", 2003, false);
	check_route("lmtp:store.test", "x.test", "store.test", 24, false);
	check_route("lmtp:inet:store.test:2003", "x.test", "store.test", 2003, false);
	check_route("lmtp:inet:[::1]", "x.test", "::1", 24, false);
	check_route("lmtp:", "x.test", "x.test", 24, false);
	check_route("relay:[x.test]:26", "y.test", "x.test", 26, false);
	check_route("RELAY:x.test", "y.test", "x.test", 25, true);
	assert_true(route_parse(slice_of("LMTP:x"), slice_of(""), &r) && r.lmtp && !r.tls && r.unix_path[0] == '\0' && !r.port_given);
	assert_true(route_parse(slice_of("lmtp:x:24"), slice_of(""), &r) && r.port_given);
	assert_true(route_parse(slice_of("lmtp:unix:/run/x y"), slice_of(""), &r) && r.lmtp && !r.mx);
	assert_string_equal(r.unix_path, "/run/x y");
	assert_string_equal(r.host, "");
	assert_true(route_parse(slice_of("relay:x"), slice_of(""), &r) && !r.lmtp);
	char path[200] = "lmtp:unix:/";
	memset(path + 11, 'x', sizeof r.unix_path - 2);
	assert_true(route_parse(slice_of(path), slice_of(""), &r));
	path[11 + sizeof r.unix_path - 2] = 'x';
	assert_false(route_parse(slice_of(path), slice_of(""), &r));
}

static void
check_text(const char *in, bool dots, const char *out)
{
	/* One byte at a time, and all at once. */
	for (size_t step = 1; step <= strlen(in); step += strlen(in) - 1 > 0 ? strlen(in) - 1 : 1) {
		struct text t = {.dot_ends = dots};
		struct str s = STR_MOST(1000);
		for (size_t at = 0; at < strlen(in); at += step)
			assert_true(text_add(&t, &s, slice_first(slice_of(in + at), step)));
		assert_true(text_end(&t, &s));
		assert_string_equal(str_text(&s), out);
		str_free(&s);
	}
}

static void
test_sendmail_text(void **state)
{
	(void)state;
	check_text("a\nb\r\nc\rd", true, "a\r\nb\r\nc\r\nd\r\n");
	check_text("a\n.\nb\n", true, "a\r\n");
	check_text("a\n.\nb\n", false, "a\r\n.\r\nb\r\n");
	check_text("a\n..\n.b\n", true, "a\r\n..\r\n.b\r\n");
	check_text("a\n.", true, "a\r\n");
	check_text(".\nx", true, "");
	check_text("\n\n", true, "\r\n\r\n");
	check_text("x\r\r\ny", true, "x\r\n\r\ny\r\n");
}

static void
check_body(const char *in, const char *out)
{
	for (size_t step = 1; step <= strlen(in) + 1; step++) {
		int pipes[2];
		char got[256] = "";
		static struct output o;
		struct body b = {.out = &o};
		assert_int_equal(pipe(pipes), 0);
		output_open(&o, pipes[1], 1000);
		for (size_t at = 0; at < strlen(in); at += step)
			body_write(&b, slice_first(slice_of(in + at), step));
		body_end(&b);
		assert_true(output_flush(&o));
		assert_true(read(pipes[0], got, sizeof got - 1) > 0);
		assert_string_equal(got, out);
		assert_int_equal(b.count, strlen(out));
		close(pipes[0]);
		close(pipes[1]);
	}
}

static void
test_body(void **state)
{
	(void)state;
	check_body("a\r\nb\r\n", "a\r\nb\r\n.\r\n");
	check_body("a", "a\r\n.\r\n");
	check_body("", ".\r\n");
	check_body(".\r\n..\r\nx.\r\n", "..\r\n...\r\nx.\r\n.\r\n");
	/* Promise 4: no bare CR or LF, and no end before the end. */
	check_body("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n");
	check_body("a\r.\rb\r", "a\r\n..\r\nb\r\n.\r\n");
	check_body("a\r\n.\n\r\n", "a\r\n..\r\n\r\n.\r\n");
	check_body("a\r\r\n.\r", "a\r\n\r\n..\r\n.\r\n");
}

static enum reply_result
read_text(const char *text, struct reply *r)
{
	static struct input in;
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], text, strlen(text)), (ssize_t)strlen(text));
	close(pipes[1]);
	input_open(&in, pipes[0], 1000);
	enum reply_result result = reply_read(&in, r, NULL, NULL);
	close(pipes[0]);
	return result;
}

static void
check_outcome(const char *text, enum outcome_class class, const char *code)
{
	struct reply r;
	assert_int_equal(read_text(text, &r), REPLY_OK);
	struct outcome o = reply_outcome(&r, "h", "RCPT", "1.0");
	assert_int_equal(o.class, class);
	assert_string_equal(o.code, code);
}

static void
test_replies(void **state)
{
	(void)state;
	struct reply r;
	check_outcome("250 2.1.5 OK\r\n", OUTCOME_DONE, "2.1.5");
	check_outcome("550 5.1.1 no\r\n", OUTCOME_PERMANENT, "5.1.1");
	check_outcome("550 4.1.1 no\r\n", OUTCOME_PERMANENT, "5.1.0");
	check_outcome("451 later\n", OUTCOME_TEMPORARY, "4.1.0");
	check_outcome("354 what\r\n", OUTCOME_TEMPORARY, "4.1.0");
	check_outcome("550-5.7.1 one\r\n550 5.7.1 two\r\n", OUTCOME_PERMANENT, "5.7.1");
	check_outcome("550 5.1.1.1 x\r\n", OUTCOME_PERMANENT, "5.1.0");
	check_outcome("550 5..1 x\r\n", OUTCOME_PERMANENT, "5.1.0");
	check_outcome("550\r\n", OUTCOME_PERMANENT, "5.1.0");
	static const char *const bad[] = {"hello\r\n", "25 x\r\n", "250x\r\n", "150 x\r\n", "250-a\r\n251 b\r\n", "\r\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(read_text(bad[i], &r), REPLY_BAD);
	assert_int_equal(read_text("250-a\r\n", &r), REPLY_END);
}

static void
test_hosts(void **state)
{
	(void)state;
	static struct hosts h = {.count = 4, .mx = {{20, "d"}, {10, "b"}, {5, "a"}, {10, "c"}}};
	unsigned seen = 0;
	for (int i = 0; i < 200; i++) {
		hosts_sort(h.mx, h.count);
		assert_string_equal(h.mx[0].host, "a");
		assert_string_equal(h.mx[3].host, "d");
		seen |= 1u << (h.mx[1].host[0] - 'a');
	}
	assert_int_equal(seen, 6); /* by chance alone one in 2^199 runs fails */
	assert_int_equal(hosts_group(&h, 0), 1);
	assert_int_equal(hosts_group(&h, 1), 3);
	assert_int_equal(hosts_group(&h, 3), 4);
}

static void
test_families(void **state)
{
	(void)state;
	struct dns d = {.count = 0};
	assert_true(dns_set_families(&d, slice_of("any")) && dns_has_family(&d, AF_INET) && dns_has_family(&d, AF_INET6));
	assert_true(dns_set_families(&d, slice_of("ipv4")) && dns_has_family(&d, AF_INET) && !dns_has_family(&d, AF_INET6));
	assert_true(dns_set_families(&d, slice_of("ipv4, ipv6")) && d.families[0] == AF_INET && d.families[1] == AF_INET6);
	static const char *const wrong[] = {"", "ipv5", "ipv4 ipv4", "any ipv4", "ipv4 ipv6 ipv4"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(dns_set_families(&d, slice_of(wrong[i])));
	assert_true(dns_begin(&d, "192.0.2.1 [2001:db8::1]:5353\n192.0.2.2:53") && d.count == 3);
	assert_int_equal(ntohs(d.servers[1].six.sin6_port), 5353);
}

static void
test_txt(void **state)
{
	(void)state;
	static struct dns_txt t;
	assert_true(dns_read_txt(slice_make("\2ab\0\1c", 6), &t) && slice_is(slice_make(t.text, t.len), "abc"));
	assert_true(dns_read_txt(slice_of(""), &t) && t.len == 0);
	assert_false(dns_read_txt(slice_make("\3ab", 3), &t));
	static char big[3 * 256];
	for (size_t i = 0; i < 3; i++)
		big[i * 256] = (char)255;
	assert_true(dns_read_txt(slice_make(big, 2 * 256), &t));
	assert_false(dns_read_txt(slice_make(big, sizeof big), &t));
}

static void
test_dns(void **state)
{
	(void)state;
	unsigned char query[DNS_QUERY_MOST];
	size_t len = dns_build_query(query, 7, "Mail.x.test", DNS_TYPE_MX);
	assert_int_equal(len, 12 + 13 + 4);
	assert_int_equal(dns_build_query(query, 7, "a..b", DNS_TYPE_MX), 0);
	assert_int_equal(dns_build_query(query, 7, "", DNS_TYPE_MX), 0);
	len = dns_build_query(query, 7, "x.test", DNS_TYPE_MX);
	char answer[256];
	memcpy(answer, query, len);
	answer[2] = (char)0x81, answer[3] = 0, answer[7] = 1;
	memcpy(answer + len, "\xc0\x0c\0\x0f\0\1\0\0\0\1\0\7\0\12\2mx\xc0\x0c", 19);
	struct slice all = slice_make(answer, len + 19);
	struct dns_record records[DNS_RECORDS_MOST];
	size_t count;
	char name[DNS_NAME_MOST + 1];
	assert_true(dns_is_answer(slice_make((char *)query, len), all));
	assert_int_equal(dns_read_answer(all, DNS_TYPE_MX, records, &count), DNS_FOUND);
	size_t at = records[0].offset + 2;
	assert_true(dns_read_name(all, &at, name));
	assert_string_equal(name, "mx.x.test");
	for (size_t cut = 0; cut < all.len; cut++)
		assert_true(dns_read_answer(slice_first(all, cut), DNS_TYPE_MX, records, &count) != DNS_FOUND);
	/* A name that points at itself ends. */
	memcpy(answer + len, "\xc0\x1a", 2);
	at = len;
	assert_int_equal(len, 0x18);
	memcpy(answer + len, "\xc0\x18", 2);
	assert_false(dns_read_name(all, &at, name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_retry), cmocka_unit_test(test_retry_spread), cmocka_unit_test(test_calling_what_is_parked),
	    cmocka_unit_test(test_waits_after_a_clock_has_gone_back),
	    cmocka_unit_test(test_time_of_what_waits), cmocka_unit_test(test_window_grows), cmocka_unit_test(test_window_dies_and_lives),
	    cmocka_unit_test(test_destinations_take_turns), cmocka_unit_test(test_messages_take_turns), cmocka_unit_test(test_a_dead_destination),
	    cmocka_unit_test(test_length_of_a_line), cmocka_unit_test(test_memory_of_destinations),
	    cmocka_unit_test(test_waiting), cmocka_unit_test(test_held), cmocka_unit_test(test_told), cmocka_unit_test(test_expand_loops),
	    cmocka_unit_test(test_expand_bounds), cmocka_unit_test(test_address_set), cmocka_unit_test(test_routes), cmocka_unit_test(test_routes_by_lmtp),
	    cmocka_unit_test(test_sendmail_text), cmocka_unit_test(test_body), cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_dns), cmocka_unit_test(test_hosts), cmocka_unit_test(test_families), cmocka_unit_test(test_txt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
