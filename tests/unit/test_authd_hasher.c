/* A hashing worker's work without the worker: the loop's answers stand ready in a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/hasher_worker.h"
#include "authd/rows.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/ipc/socket.h"

#define SIX "$6$salt$DdYdQV.ztOSf0LGA.Myh7wiXVXVVGmM.VQNOnP5vWmFsrc7HVBxuV3.LiRYTkNSsj7Uc57dm22xAiMaXhrjnR1"

static struct hashers all = {.rules = {.weak = "MD5-CRYPT PLAIN-MD5"}};
static struct hasher hasher;
static int loop_end;
static struct packet packet;

/* What the loop will say when it is asked for a row. */
static void
answer(const char *state, const char *rows, const char *memory)
{
	packet_begin(&packet, "row");
	packet_add_text(&packet, state);
	packet_add_text(&packet, rows);
	packet_add_text(&packet, memory);
	assert_int_equal(packet_send(loop_end, &packet), PACKET_OK);
}

/* That it was asked so. */
static void
asked(const char *login, const char *authzid)
{
	assert_int_equal(packet_receive(loop_end, &packet), PACKET_OK);
	assert_string_equal(packet_verb(&packet), "need");
	assert_string_equal(packet_field(&packet), login);
	assert_string_equal(packet_field(&packet), authzid);
}

static char verdict[8], first[256], class[32];

static void
take_verdict(void)
{
	const char *verb = packet_verb(hasher.packet), *one = packet_field(hasher.packet), *two = packet_field(hasher.packet);
	snprintf(verdict, sizeof verdict, "%s", verb);
	snprintf(first, sizeof first, "%s", one != NULL ? one : "-");
	snprintf(class, sizeof class, "%s", two != NULL ? two : "-");
}

static void
check(const char *password, const char *rows, const char *memory)
{
	answer("found", rows, memory);
	hasher_check(&hasher, "a@b", "", password);
	asked("a@b", "");
	take_verdict();
}

static void
is(const char *a, const char *b)
{
	if (strcmp(verdict, a) != 0 || strcmp(class, b) != 0)
		fail_msg("%s %s %s", verdict, first, class);
}

static void
setup_rows(struct str *rows, size_t count, const char *const *stored)
{
	*rows = STR_MOST(60000);
	for (size_t i = 0; i < count; i++) {
		rows_begin(rows);
		row_add(rows, slice_of("id"), slice_of("7"));
		row_add(rows, slice_of("Password"), slice_of(stored[i]));
	}
	assert_false(rows->failed);
}

static void
one_row(void **state)
{
	(void)state;
	char *made = hash_make("SHA512-CRYPT", "pw");
	check("pw", made, "");
	is("ok", "hashed");
	check("pW", made, "");
	is("no", "hashed");
	check("pw", "{PLAIN}pw", "");
	is("ok", "clear");
	assert_string_equal(first, "");
	check("pw", "{NTLM}x", "");
	is("later", "-");
	check("", "", "");
	is("no", "");
	free(made);
}

static void
several_passwords(void **state)
{
	(void)state;
	struct str rows;
	setup_rows(&rows, 3, (const char *const[]){"{PLAIN}one", SIX, "{PLAIN}three"});
	check("one", str_text(&rows), "");
	is("ok", "clear");
	check("three", str_text(&rows), "");
	is("ok", "hashed");
	check("two", str_text(&rows), "");
	is("no", "hashed");
	str_free(&rows);
	/* One that cannot be used might be the one that was typed. */
	setup_rows(&rows, 2, (const char *const[]){"{NTLM}one", "{PLAIN}two"});
	check("two", str_text(&rows), "");
	is("ok", "clear");
	check("three", str_text(&rows), "");
	is("later", "-");
	str_free(&rows);
}

static void
sixteen_rows_are_tried(void **state)
{
	(void)state;
	const char *stored[17];
	struct str rows;
	for (size_t i = 0; i < 17; i++)
		stored[i] = i == 15 ? "{PLAIN}sixteen" : i == 16 ? "{PLAIN}seventeen" : "{PLAIN}x";
	setup_rows(&rows, 17, stored);
	check("sixteen", str_text(&rows), "");
	is("ok", "clear");
	check("seventeen", str_text(&rows), "");
	is("no", "clear");
	str_free(&rows);
}

static void
nopassword(void **state)
{
	(void)state;
	struct str rows = STR_MOST(1000);
	row_add(&rows, slice_of("password"), slice_of(""));
	row_add(&rows, slice_of("nopassword"), slice_of("Y"));
	check("anything", str_text(&rows), "");
	is("ok", "");
	str_clear(&rows);
	row_add(&rows, slice_of("password"), slice_of("{PLAIN}x"));
	row_add(&rows, slice_of("nopassword"), slice_of("Y"));
	check("anything", str_text(&rows), "");
	is("no", "clear");
	str_clear(&rows);
	row_add(&rows, slice_of("password"), slice_of(""));
	row_add(&rows, slice_of("nopassword"), slice_of("N"));
	check("", str_text(&rows), "");
	is("no", "");
	str_free(&rows);
}

/* Right once, it is right again without a hash; another password, login or row is not. */
static void
memory(void **state)
{
	(void)state;
	char tag[HASH_TAG_TEXT + 1], *made = hash_make("BLF-CRYPT", "pw"), other[128];
	check("pw", made, "");
	is("ok", "hashed");
	assert_int_equal(strlen(first), HASH_TAG_TEXT);
	memcpy(tag, first, sizeof tag);
	/* A hash that would be wrong now shows that it was not looked at. */
	snprintf(other, sizeof other, "%s", made);
	check("pw", made, tag);
	is("ok", "hashed");
	assert_string_equal(first, tag);
	check("pW", made, tag);
	is("no", "hashed");
	other[strlen(other) - 1] ^= 1;
	check("pw", other, tag);
	is("no", "hashed");
	tag[0] = tag[0] == 'A' ? 'B' : 'A';
	check("pW", made, tag);
	is("no", "hashed");
	check("pw", made, "short");
	is("ok", "hashed");
	free(made);
}

static void
memory_costs_nothing(void **state)
{
	(void)state;
	char tag[HASH_TAG_TEXT + 1], *made = hash_make("ARGON2ID", "pw");
	check("pw", made, "");
	memcpy(tag, first, sizeof tag);
	int64_t began = clock_ms();
	for (int i = 0; i < 20; i++) {
		check("pw", made, tag);
		is("ok", "hashed");
	}
	int64_t remembered = clock_ms() - began;
	began = clock_ms();
	check("pw", made, "");
	assert_true(remembered < (clock_ms() - began) * 10 + 20);
	free(made);
}

static void
nobody_and_trouble(void **state)
{
	(void)state;
	answer("none", "", "");
	assert_false(hasher_check(&hasher, "x@b", "boss@b", "pw"));
	asked("x@b", "boss@b");
	take_verdict();
	is("no", "");
	answer("later", "", "");
	assert_false(hasher_check(&hasher, "x@b", "x@b", "pw"));
	asked("x@b", "");
	take_verdict();
	is("later", "-");
	answer("found", "x", "a tag that is longer than any tag can be, by far");
	assert_false(hasher_check(&hasher, "x@b", "", "pw"));
	asked("x@b", "");
	take_verdict();
	is("later", "-");
}

/* In CPU time of this process, so that a busy machine does not matter. */
static double
spent(const char *state, const char *rows, const char *password)
{
	struct timespec a, b;
	answer(state, rows, "");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	hasher_check(&hasher, "a@b", "", password);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	asked("a@b", "");
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void
a_failure_costs_the_same_for_all(void **state)
{
	(void)state;
	struct str rows;
	char *made = hash_make("BLF-CRYPT", "pw");
	setup_rows(&rows, 4, (const char *const[]){made, made, made, "{PLAIN}x"});
	double four = spent("found", str_text(&rows), "wrong"), one = spent("found", made, "wrong"),
	       nobody = spent("none", "", "wrong"), plain = spent("found", "{PLAIN}x", "wrong"), locked = spent("found", "!", "wrong");
	double least = four, most = four, others[] = {one, nobody, plain, locked};
	for (size_t i = 0; i < 4; i++) {
		least = others[i] < least ? others[i] : least;
		most = others[i] > most ? others[i] : most;
	}
	if (least < 0.6 * most)
		fail_msg("four %f one %f nobody %f plain %f locked %f", four, one, nobody, plain, locked);
	str_free(&rows);
	free(made);
}

static void
clear_in_utf8(void **state)
{
	(void)state;
	/* What SASLprep makes of it, the bytes as they came, and bytes that are no UTF-8 at all. */
	check("wo\xcc\x88rds", "{PLAIN}w\xc3\xb6rds", "");
	is("ok", "clear");
	check("wo\xcc\x88rds", "{PLAIN}wo\xcc\x88rds", "");
	is("ok", "clear");
	check("w\xf6rds", "{PLAIN}w\xf6rds", "");
	is("ok", "clear");
	check("w\xf6rds", "{PLAIN}w\xf6rdz", "");
	is("no", "clear");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_row),
	    cmocka_unit_test(several_passwords),
	    cmocka_unit_test(sixteen_rows_are_tried),
	    cmocka_unit_test(nopassword),
	    cmocka_unit_test(memory),
	    cmocka_unit_test(memory_costs_nothing),
	    cmocka_unit_test(nobody_and_trouble),
	    cmocka_unit_test(a_failure_costs_the_same_for_all),
	    cmocka_unit_test(clear_in_utf8),
	};
	int pair[2];
	log_set_level(LOG_ERROR + 1);
	if (!socket_pair(pair) || !hash_key_begin(&all.key) || !hasher_begin(&hasher, pair[0], &all))
		return 1;
	loop_end = pair[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
