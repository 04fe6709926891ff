#include "lib/mail/date.h"

#include <stdlib.h>
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

/* "02:00:00 +0000" */
static bool
print_time(struct str *into, struct date d)
{
	int64_t local = d.when + d.zone * 60;
	int seconds = (int)(local - calendar_divide(local, DAY_SECONDS) * DAY_SECONDS);
	int zone = abs(d.zone);
	return str_append_format(into, "%02d:%02d:%02d %c%02d%02d", seconds / 3600, seconds / 60 % 60, seconds % 60,
	    d.zone < 0 ? '-' : '+', zone / 60, zone % 60);
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
	struct calendar f;
	if (!can_be_printed(d))
		return false;
	calendar_of_days(date_day(d), &f);
	if (str_append_format(into, "%2d-%.3s-%04d ", (int)f.day, calendar_months + 3 * (f.month - 1), (int)f.year) &&
	    print_time(into, d))
		return true;
	str_truncate(into, before);
	return false;
}

int64_t
date_day(struct date d)
{
	return calendar_divide(d.when + d.zone * 60, DAY_SECONDS);
}
