/* MTA-STS (RFC 8461): policies, records, cache files, patterns. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue/remote_sts.h"
#include "sts/cache.h"
#include "sts/policy.h"

static bool
parses(const char *text, struct sts_policy *p)
{
	const char *why;
	bool ok = sts_policy_parse(slice_of(text), p, &why);
	assert_int_equal(ok, why[0] == '\0');
	return ok;
}

static void
test_policy(void **state)
{
	(void)state;
	static struct sts_policy p;
	assert_true(parses("version: STSv1\r\nmode: enforce\r\nmx: a.test\r\nmx: *.b.test\r\nmax_age: 604800\r\n", &p));
	assert_int_equal(p.mode, STS_ENFORCE);
	assert_int_equal(p.max_age, 604800);
	assert_int_equal(p.count, 2);
	assert_true(slice_is(p.mx[0], "a.test") && slice_is(p.mx[1], "*.b.test"));
	/* Any order, LF, no end of the last line, white space, unknown keys; of what comes twice the first counts. */
	assert_true(parses("max_age:1\nx-more: y: z\n\nmode:  testing \nmx:A.test\nversion:STSv1\nmode: none\nmax_age: 7", &p));
	assert_true(p.mode == STS_TESTING && p.max_age == 1 && p.count == 1);
	assert_true(parses("version: STSv1\nmode: none\nmax_age: 9999999999\n", &p) && p.count == 0);
	assert_int_equal(p.max_age, STS_AGE_MOST);
	static const char *const wrong[] = {"", "version: STSv1\nmode: enforce\nmax_age: 1\n", "mode: none\nmax_age: 1\n",
	    "version: STSv1\nmax_age: 1\n", "version: STSv1\nmode: none\n", "version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1\n",
	    "version: STSv1\nmode: none\nmax_age: 1s\n", "version: STSv1\nmode: none\nmax_age: 00000000001\n",
	    "version: STSv1\nmode: none\nmax_age: 1\nnonsense\n", "version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1\n",
	    "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n", "version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(parses(wrong[i], &p));
}

static void
test_record(void **state)
{
	(void)state;
	struct slice id;
	assert_true(sts_record_parse(slice_of("v=STSv1; id=20160831085700Z;"), &id) && slice_is(id, "20160831085700Z"));
	assert_true(sts_record_parse(slice_of("v=STSv1;x=y; id=1;id=2"), &id) && slice_is(id, "1"));
	assert_true(sts_record_parse(slice_of("v=STSv1; id=a_b"), &id) && id.len == 0);
	assert_true(sts_record_parse(slice_of("v=STSv1; id=123456789012345678901234567890123"), &id) && id.len == 0);
	assert_false(sts_record_parse(slice_of("v=STSv10; id=1"), &id));
	assert_false(sts_record_parse(slice_of("id=1; v=STSv1"), &id));
	assert_false(sts_record_parse(slice_of(""), &id));
}

static void
test_domains(void **state)
{
	(void)state;
	static const char *const right[] = {"a", "a.b", "a-b.c_d.1", "xn--4ca.test"}, *const wrong[] = {"", ".", "a.", ".a", "a..b", "A", "a/b", "a b", "\xc3\xa4"};
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		assert_true(sts_is_domain(slice_of(right[i])));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(sts_is_domain(slice_of(wrong[i])));
}

static void
test_cached(void **state)
{
	(void)state;
	static struct cached c;
	assert_true(cached_parse(slice_of("id: 7a\nfetched: 1000\n\nversion: STSv1\nmode: none\nmax_age: 100\n"), &c));
	assert_true(slice_is(c.id, "7a"));
	assert_int_equal(cached_left(&c, 1000), 100);
	assert_int_equal(cached_left(&c, 1099), 1);
	assert_int_equal(cached_left(&c, 1100), 0);
	/* The clock was set back: never longer than max_age from now, and soon fetched anew. */
	assert_int_equal(cached_left(&c, 5), 100);
	assert_true(cached_is_old(&c, 5, 3600));
	assert_false(cached_is_old(&c, 1049, 3600));
	assert_true(cached_is_old(&c, 1050, 3600));
	assert_true(cached_is_old(&c, 1010, 10));
	assert_false(cached_parse(slice_of("fetched: 1000\nid: 7a\n\nversion: STSv1\nmode: none\nmax_age: 100\n"), &c));
	assert_false(cached_parse(slice_of("id: 7a\nfetched: 1000\nversion: STSv1\nmode: none\nmax_age: 100\n"), &c));
}

static void
test_files(void **state)
{
	(void)state;
	static struct cached c;
	struct slice policy = slice_of("version: STSv1\nmode: none\nmax_age: 100\n");
	char name[] = "/tmp/sts.XXXXXX";
	assert_non_null(mkdtemp(name));
	int directory = open(name, O_RDONLY | O_DIRECTORY);
	assert_int_equal(sts_cache_count(directory), 0);
	assert_false(sts_cache_read(directory, "a.test", 1000, &c));
	assert_true(sts_cache_write(directory, "a.test", slice_of("1"), 1000, policy));
	assert_true(sts_cache_read(directory, "a.test", 1001, &c) && c.fetched == 1000);
	sts_cache_free(&c);
	assert_int_equal(sts_cache_count(directory), 1);
	assert_false(sts_cache_sweep(directory, "a.test", 1001));
	assert_false(sts_cache_read(directory, "a.test", 1100, &c));
	assert_true(sts_cache_sweep(directory, "a.test", 1100));
	assert_int_equal(sts_cache_count(directory), 0);
	close(directory);
	rmdir(name);
}

static void
test_patterns(void **state)
{
	(void)state;
	struct sts s = {.count = 2, .patterns = {"mail.A.test", "*.b.test"}};
	static const char *const listed[] = {"mail.a.test", "MAIL.a.test", "x.b.test", "X.B.TEST"},
				*const others[] = {"a.test", "x.mail.a.test", "b.test", ".b.test", "x.y.b.test", "xb.test", ""};
	for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
		assert_true(sts_lists(&s, listed[i]));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(sts_lists(&s, others[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy), cmocka_unit_test(test_record), cmocka_unit_test(test_domains), cmocka_unit_test(test_cached),
	    cmocka_unit_test(test_files), cmocka_unit_test(test_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
