/* lib/mail/date: dates of messages and of IMAP, printed and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/mail/date.h"

#define THEN 1795226400 /* Sat, 21 Nov 2026 02:00:00 +0000 */

static const char *
printed(bool (*print)(struct str *, struct date), int64_t when, int zone)
{
	static struct str s = STR_MOST(100);
	str_clear(&s);
	bool ok = print(&s, (struct date){when, zone});
	assert_int_equal(ok, s.len > 0);
	return str_text(&s);
}

static void
dates_are_printed(void **state)
{
	(void)state;
	assert_string_equal(printed(date_print, THEN, 0), "Sat, 21 Nov 2026 02:00:00 +0000");
	assert_string_equal(printed(date_print, THEN, -150), "Fri, 20 Nov 2026 23:30:00 -0230");
	assert_string_equal(printed(date_print, THEN, 345), "Sat, 21 Nov 2026 07:45:00 +0545");
	assert_string_equal(printed(date_print, 0, 0), "Thu, 1 Jan 1970 00:00:00 +0000");
	assert_string_equal(printed(date_print, -1, 0), "Wed, 31 Dec 1969 23:59:59 +0000");
	assert_string_equal(printed(date_print, 951782400, 0), "Tue, 29 Feb 2000 00:00:00 +0000");
	assert_string_equal(printed(date_print_imap, THEN, 0), "21-Nov-2026 02:00:00 +0000");
	assert_string_equal(printed(date_print_imap, 0, 60), " 1-Jan-1970 01:00:00 +0100");
}

static void
years_without_four_digits_are_not_printed(void **state)
{
	(void)state;
	assert_string_equal(printed(date_print, 253402300799, 0), "Fri, 31 Dec 9999 23:59:59 +0000");
	assert_string_equal(printed(date_print, 253402300800, 0), "");
	assert_string_equal(printed(date_print, 253402300799, 1), "");
	assert_string_equal(printed(date_print, -62167219200, 0), "Sat, 1 Jan 0000 00:00:00 +0000");
	assert_string_equal(printed(date_print, -62167219201, 0), "");
	assert_string_equal(printed(date_print_imap, INT64_MAX, 0), "");
	assert_string_equal(printed(date_print_imap, INT64_MIN, -60), "");
	assert_string_equal(printed(date_print, 0, 1440), "");
	struct str small = STR_MOST(20);
	assert_false(date_print(&small, (struct date){0, 0}));
	assert_int_equal(small.len, 0);
	str_free(&small);
}

static void
the_calendar_agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t when = -62167132800; when < 253402300800; when += 86400 * 97 + 12345) {
		char expected[64];
		time_t t = (time_t)when;
		struct tm tm;
		struct date d;
		assert_non_null(gmtime_r(&t, &tm));
		strftime(expected, sizeof expected, "%a, %e %b ", &tm);
		size_t len = strlen(expected);
		snprintf(expected + len, sizeof expected - len, "%04d %02d:%02d:%02d +0000", tm.tm_year + 1900, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		if (expected[5] == ' ')
			memmove(expected + 5, expected + 6, strlen(expected + 6) + 1);
		assert_string_equal(printed(date_print, when, 0), expected);
		if (when >= -30610224000) { /* the year 1000: shorter ones count from 1900 */
			assert_true(date_parse(slice_of(expected), &d));
			assert_true(d.when == when);
		}
		assert_true(date_parse_imap(slice_of(printed(date_print_imap, when, -60)), &d));
		assert_true(d.when == when && d.zone == -60);
	}
}

static void
the_zone_is_that_of_the_machine(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "XXX-05:30", 1), 0);
	date_open();
	assert_int_equal(date_local(THEN).zone, 330);
	assert_int_equal(date_local(THEN).when, THEN);
	assert_int_equal(setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1), 0);
	date_open();
	assert_int_equal(date_local(THEN).zone, -300);
	assert_int_equal(date_local(THEN - 86400 * 60).zone, -240);
	unsetenv("TZ");
	date_open();
}

static void
dates_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t     when;
		int         zone;
	} dates[] = {
	    {"Sat, 21 Nov 2026 02:00:00 +0000", THEN, 0},
	    {"21 Nov 2026 02:00 +0000", THEN, 0},
	    {" Sat,21 Nov 2026 02:00:00 +0000 (UTC)", THEN, 0},
	    {"Sat (day), 21 (of (the)) Nov\r\n 2026 02 : 00 : 00\r\n +0000", THEN, 0},
	    {"Mon, 21 Nov 2026 04:30:00 +0230", THEN, 150},
	    {"Sat, 21 Nov 26 02:00:00 GMT", THEN, 0},
	    {"Fri, 20 Nov 2026 21:00:00 EST", THEN, -300},
	    {"20 november 126 18:00:00 pst", THEN, -480},
	    {"Sat, 21 Nov 2026 02:00:00 Z", THEN, 0},
	    {"Sat, 21 Nov 2026 02:00:00 MESZ", THEN, 0},
	    {"Sat, 21 Nov 2026 02:00:00", THEN, 0},
	    {"Sat, 21 Nov 2026 02:00:00 -0000", THEN, 0},
	    {"1 Jan 70 00:00:00 UT", 0, 0},
	    {"1 Jan 49 00:00:00 UT", 2493072000, 0},
	    {"31 Dec 1998 23:59:60 +0000", 915148800, 0},
	    {"Sat 21 Nov 2026 02:00:00 +0000", THEN, 0},
	};
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		struct date d;
		if (!date_parse(slice_of(dates[i].text), &d) || d.when != dates[i].when || d.zone != dates[i].zone)
			fail_msg("%s", dates[i].text);
	}
}

static void
what_is_no_date_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "Sat", "Sat,", "21", "21 Nov", "21 Nov 2026", "21 Nov 2026 02",
	    "32 Nov 2026 02:00:00", "31 Nov 2026 02:00", "0 Nov 2026 02:00", "29 Feb 2025 02:00", "29 Feb 1900 02:00",
	    "21 Nvo 2026 02:00", "21 No 2026 02:00", "21 Nov 2026 24:00", "21 Nov 2026 02:60", "21 Nov 2026 02:00:61",
	    "21 Nov 20260 02:00", "21 Nov 6 02:00", "(21 Nov 2026 02:00", "Nov 21 2026 02:00", "21-Nov-2026 02:00:00 +0000"};
	struct date d;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (date_parse(slice_of(wrong[i]), &d))
			fail_msg("%s", wrong[i]);
	assert_false(date_parse(slice_of(NULL), &d));
}

static void
imap_dates_are_read_strictly(void **state)
{
	(void)state;
	struct date d;
	int64_t day;
	assert_true(date_parse_imap(slice_of("21-nov-2026 04:00:00 +0200"), &d));
	assert_int_equal(d.when, THEN);
	assert_int_equal(d.zone, 120);
	assert_true(date_parse_imap(slice_of(" 1-Jan-1970 00:00:00 +0000"), &d));
	assert_true(date_parse_imap(slice_of("01-Jan-1970 00:00:00 +0000"), &d));
	assert_int_equal(d.when, 0);
	static const char *const wrong[] = {"", "1-Jan-70 00:00:00 +0000", "1-January-1970 00:00:00 +0000",
	    "1-Jan-1970 00:00:00", "1-Jan-1970 00:00:00 GMT", "1-Jan-1970  00:00:00 +0000", "1-Jan-1970 00:00:00 +0000 ",
	    "  1-Jan-1970 00:00:00 +0000", "1 Jan 1970 00:00:00 +0000", "1-Jan-1970 00:00:00 +000", "1-Jan-1970 00:00:00 +2400",
	    "1-Jan-1970 00:00:00 +0060", "32-Jan-1970 00:00:00 +0000", "1-Jan-197 00:00:00 +0000", "1-Jan-+197 00:00:00 +0000"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (date_parse_imap(slice_of(wrong[i]), &d))
			fail_msg("%s", wrong[i]);
	assert_true(date_parse_imap_day(slice_of("2-Jan-1970"), &day));
	assert_int_equal(day, 1);
	assert_true(date_parse_imap_day(slice_of("21-Nov-2026"), &day));
	assert_int_equal(day, THEN / 86400);
	assert_false(date_parse_imap_day(slice_of("30-Feb-2026"), &day));
	assert_false(date_parse_imap_day(slice_of("2-Jan-1970 "), &day));
	assert_int_equal(date_day((struct date){THEN, -121}), THEN / 86400 - 1);
	assert_int_equal(date_day((struct date){-1, 0}), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dates_are_printed),
	    cmocka_unit_test(years_without_four_digits_are_not_printed),
	    cmocka_unit_test(the_calendar_agrees_with_the_c_library),
	    cmocka_unit_test(the_zone_is_that_of_the_machine),
	    cmocka_unit_test(dates_are_read),
	    cmocka_unit_test(what_is_no_date_is_refused),
	    cmocka_unit_test(imap_dates_are_read_strictly),
	};
	return cmocka_run_group_tests_name("mail date", tests, NULL, NULL);
}
