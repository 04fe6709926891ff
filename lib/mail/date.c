#include "lib/mail/date.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/mail/calendar.h"

static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */

#define ZONE_MOST (24 * 60) /* minutes */

void
date_open(void)
{
	tzset();
}

struct date
date_local(int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;
	struct date d = {.when = when};
	if (localtime_r(&t, &tm) != NULL)
		d.zone = (int)(tm.tm_gmtoff / 60);
	return d;
}

/* Years that have four digits. */
static bool
can_be_printed(struct date d)
{
	int64_t least = calendar_days(0, 1, 1) * DAY_SECONDS, most = calendar_days(10000, 1, 1) * DAY_SECONDS;
	if (d.zone <= -ZONE_MOST || d.zone >= ZONE_MOST || d.when < least - DAY_SECONDS || d.when > most + DAY_SECONDS)
		return false;
	int64_t local = d.when + d.zone * 60;
	return local >= least && local < most;
}

/* Two digits: printf(3) would cost more than all else that is said of a message in a list. */
static char *
put_two(char *at, int number)
{
	*at++ = (char)('0' + number / 10 % 10);
	*at++ = (char)('0' + number % 10);
	return at;
}

/* "02:00:00 +0000" */
static bool
print_time(struct str *into, struct date d)
{
	char text[sizeof "02:00:00 +0000"], *at = text;
	int64_t local = d.when + d.zone * 60;
	int seconds = (int)(local - calendar_divide(local, DAY_SECONDS) * DAY_SECONDS);
	int zone = abs(d.zone);
	at = put_two(at, seconds / 3600);
	*at++ = ':';
	at = put_two(at, seconds / 60 % 60);
	*at++ = ':';
	at = put_two(at, seconds % 60);
	*at++ = ' ';
	*at++ = d.zone < 0 ? '-' : '+';
	at = put_two(put_two(at, zone / 60), zone % 60);
	return str_append(into, text, (size_t)(at - text));
}

bool
date_print(struct str *into, struct date d)
{
	size_t before = into->len;
	struct calendar f;
	if (!can_be_printed(d))
		return false;
	int64_t day = date_day(d);
	calendar_of_days(day, &f);
	int64_t weekday = day - calendar_divide(day, 7) * 7;
	if (str_append_format(into, "%.3s, %d %.3s %04d ", day_names + 3 * weekday, (int)f.day,
		calendar_months + 3 * (f.month - 1), (int)f.year) && print_time(into, d))
		return true;
	str_truncate(into, before);
	return false;
}

bool
date_print_imap(struct str *into, struct date d)
{
	size_t before = into->len;
	char text[sizeof "01-Jan-1970 "], *at = text;
	struct calendar f;
	if (!can_be_printed(d))
		return false;
	calendar_of_days(date_day(d), &f);
	at = put_two(at, (int)f.day);
	if (text[0] == '0')
		text[0] = ' ';
	*at++ = '-';
	memcpy(at, calendar_months + 3 * (f.month - 1), 3);
	at[3] = '-';
	at = put_two(put_two(at + 4, (int)f.year / 100), (int)f.year % 100);
	*at++ = ' ';
	if (str_append(into, text, (size_t)(at - text)) && print_time(into, d))
		return true;
	str_truncate(into, before);
	return false;
}

int64_t
date_day(struct date d)
{
	return calendar_divide(d.when + d.zone * 60, DAY_SECONDS);
}
