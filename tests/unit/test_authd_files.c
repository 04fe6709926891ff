/* authd/text_map.h and authd/srs.h: text files that are maps, and senders that are rewritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "authd/srs.h"
#include "authd/text_map.h"

/* --- text maps ------------------------------------------------------------------------ */

static struct text_map map;

static bool
parsed(const char *text, size_t len, const char *problem)
{
	struct str why = STR_MOST(512);
	text_map_free(&map.table);
	map = (struct text_map){.file = {.path = "map", .ready = true}};
	bool ok = text_map_parse(&map.table, slice_make(text, len), &why);
	assert_string_equal(str_text(&why), problem);
	str_free(&why);
	return ok;
}

#define take(text) assert_true(parsed((text), strlen(text), ""))
#define refuse(text, problem) assert_false(parsed((text), strlen(text), (problem)))

static void
finds(const char *key, const char *value)
{
	struct slice found;
	assert_int_equal(text_map_find(&map, slice_of(key), &found), value != NULL ? FACT_FOUND : FACT_NONE);
	if (value != NULL && !slice_is(found, value))
		fail_msg("%s is %.*s", key, (int)found.len, found.data);
}

static void
lines_are_keys_and_values(void **state)
{
	(void)state;
	take("# comment\n\nA@Example.org\tsmtp:[host]:25  \r\n  # within\n.b.test :\n* error:5.1.1 one\n\ttwo\n  three\nlast x");
	finds("a@example.org", "smtp:[host]:25");
	finds("A@Example.org", NULL);
	finds(".b.test", ":");
	finds("*", "error:5.1.1 one two  three");
	finds("last", "x");
	finds("las", NULL);
	finds("lastx", NULL);
	finds("", NULL);
	take("");
	finds("x", NULL);
}

static void
the_first_line_of_a_key_counts(void **state)
{
	(void)state;
	take("b two\na one\nB three\nc four\na five\n");
	finds("a", "one");
	finds("b", "two");
	finds("c", "four");
	assert_int_equal(map.table.count, 3);
}

static void
a_file_with_a_mistake_is_refused(void **state)
{
	(void)state;
	refuse("a one\nb\n", "line 2: a line must be: key value");
	refuse(" a one\n", "line 1: it begins with white space, and there is no line before");
	refuse("a one\nb\x01 two\n", "line 2: there is a control character in the key");
	refuse("a one\x7f\n", "line 1: there is a control character in the value");
	assert_false(parsed("a \0b", 4, "line 1: the file holds a NUL byte"));
	text_map_free(&map.table);
}

static void
a_file_that_was_never_read_is_trouble(void **state)
{
	(void)state;
	struct slice value;
	struct text_map never = {.file = {.path = "/nowhere"}}, none = {.file = {.path = ""}};
	assert_int_equal(text_map_find(&never, slice_of("a"), &value), FACT_LATER);
	assert_int_equal(text_map_find(&none, slice_of("a"), &value), FACT_NONE);
}

/* --- rewritten senders ---------------------------------------------------------------- */

#define DAY 20000 /* slot 544: RA */

static struct srs_secrets secrets;

static void
keep(const char *text)
{
	struct str problem = STR_MOST(200);
	srs_secrets_wipe(&secrets);
	assert_true(srs_secrets_parse(&secrets, slice_of(text), &problem));
	str_free(&problem);
}

static void
forward(struct str *into, const char *sender)
{
	str_clear(into);
	assert_int_equal(srs_forward(into, &secrets, slice_of(sender), "ours.test", DAY), SRS_OK);
	assert_true(slice_ends(str_slice(into), "@ours.test"));
	str_truncate(into, into->len - strlen("@ours.test"));
}

static enum srs_result
back(const struct str *local, int64_t day, const char *expected)
{
	struct str address = STR_MOST(1000);
	enum srs_result r = srs_reverse(&address, &secrets, str_slice(local), day);
	if (r == SRS_OK)
		assert_string_equal(str_text(&address), expected);
	str_free(&address);
	return r;
}

/* By `printf rastranger.testal | openssl dgst -sha1 -hmac 'a long secret' -binary | base64`. */
static void
it_is_the_published_form(void **state)
{
	(void)state;
	struct str local = STR_MOST(1000);
	keep("a long secret\n");
	forward(&local, "Al@stranger.test");
	assert_string_equal(local.data, "SRS0=3s9e=RA=stranger.test=Al");
	forward(&local, "SRS0=abcd=XY=origin.test=ann@hop.test");
	assert_string_equal(local.data + 9, "=hop.test==abcd=XY=origin.test=ann");
	forward(&local, "SRS1=abcd=hop.test==abcd=XY=origin.test=ann@later.test");
	assert_string_equal(local.data + 9, "=hop.test==abcd=XY=origin.test=ann");
	str_free(&local);
}

static void
what_was_made_is_read_back(void **state)
{
	(void)state;
	static const char *const senders[] = {"al@stranger.test", "a=b=c@stranger.test", "\"a b\"@stranger.test", "\"a\\\"b\"@stranger.test",
	    "x+y@[192.0.2.1]", "\xc3\xa4nne@stranger.test", "srs0@stranger.test"};
	struct str local = STR_MOST(1000);
	keep("a long secret\n");
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		forward(&local, senders[i]);
		assert_int_equal(back(&local, DAY, senders[i]), SRS_OK);
		assert_int_equal(back(&local, DAY + 21, senders[i]), SRS_OK);
		assert_int_equal(back(&local, DAY - 1, senders[i]), SRS_OK);
		assert_int_equal(back(&local, DAY + 22, senders[i]), SRS_EXPIRED);
		assert_int_equal(back(&local, DAY - 2, senders[i]), SRS_EXPIRED);
		assert_int_equal(back(&local, DAY + 1024, senders[i]), SRS_OK); /* it is mod 1024 */
	}
	forward(&local, "SRS0+abcd=XY=origin.test=ann@hop.test");
	assert_int_equal(back(&local, DAY + 500, "SRS0+abcd=XY=origin.test=ann@hop.test"), SRS_OK);
	str_free(&local);
}

static enum srs_result
verdict_of(const struct str *local)
{
	struct str address = STR_MOST(1000);
	enum srs_result r = srs_reverse(&address, &secrets, str_slice(local), DAY);
	str_free(&address);
	return r;
}

/* But for its case, which hosts change, and the separator behind the tag. */
static void
each_changed_byte_is_noticed(void **state)
{
	(void)state;
	struct str local = STR_MOST(1000);
	keep("a long secret\n");
	forward(&local, "al@stranger.test");
	for (size_t i = 0; i < local.len; i++) {
		char before = local.data[i];
		for (int c = 33; c < 127; c++) {
			local.data[i] = (char)c;
			bool same = ascii_lower(c) == ascii_lower((unsigned char)before) || (i == 4 && strchr("=+-", c) != NULL);
			if ((verdict_of(&local) == SRS_OK) != same)
				fail_msg("%s gives %d", str_text(&local), verdict_of(&local));
		}
		local.data[i] = before;
	}
	str_free(&local);
}

static void
all_secrets_verify_and_the_first_signs(void **state)
{
	(void)state;
	struct str before = STR_MOST(1000), after = STR_MOST(1000);
	keep("the old secret\n");
	forward(&before, "al@stranger.test");
	keep("# rolled\nthe new secret\nthe old secret\n");
	forward(&after, "al@stranger.test");
	assert_string_not_equal(str_text(&before), str_text(&after));
	assert_int_equal(back(&before, DAY, "al@stranger.test"), SRS_OK);
	assert_int_equal(back(&after, DAY, "al@stranger.test"), SRS_OK);
	keep("the new secret\n");
	assert_int_equal(back(&before, DAY, ""), SRS_FORGED);
	str_free(&before);
	str_free(&after);
}

static void
what_is_not_of_the_scheme_is_none(void **state)
{
	(void)state;
	struct str local = STR_MOST(100), into = STR_MOST(100);
	keep("a long secret\n");
	str_set(&local, slice_of("SRS0"));
	assert_int_equal(back(&local, DAY, ""), SRS_NONE);
	str_set(&local, slice_of("SRS2=abcd=RA=x.test=al"));
	assert_int_equal(back(&local, DAY, ""), SRS_NONE);
	str_set(&local, slice_of("SRS0=abcd=RA=x.test"));
	assert_int_equal(back(&local, DAY, ""), SRS_FORGED);
	assert_int_equal(srs_forward(&into, &secrets, slice_of(""), "ours.test", DAY), SRS_NONE);
	assert_int_equal(srs_forward(&into, &secrets, slice_of("root"), "ours.test", DAY), SRS_NONE);
	assert_int_equal(srs_forward(&into, &secrets, slice_of("\"\"@x.test"), "ours.test", DAY), SRS_NONE);
	str_free(&local);
	str_free(&into);
}

static void
secrets_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "# only a comment\n", "short\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct str problem = STR_MOST(200);
		struct srs_secrets s;
		assert_false(srs_secrets_parse(&s, slice_of(texts[i]), &problem));
		assert_true(problem.len > 0);
		srs_secrets_wipe(&s);
		str_free(&problem);
	}
	srs_secrets_wipe(&secrets);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_keys_and_values), cmocka_unit_test(the_first_line_of_a_key_counts),
	    cmocka_unit_test(a_file_with_a_mistake_is_refused), cmocka_unit_test(a_file_that_was_never_read_is_trouble),
	    cmocka_unit_test(it_is_the_published_form), cmocka_unit_test(what_was_made_is_read_back), cmocka_unit_test(each_changed_byte_is_noticed),
	    cmocka_unit_test(all_secrets_verify_and_the_first_signs), cmocka_unit_test(what_is_not_of_the_scheme_is_none),
	    cmocka_unit_test(secrets_that_are_none_are_refused)};
	return cmocka_run_group_tests_name("authd files", tests, NULL, NULL);
}
