#include "lib/mail/calendar.h"

const char calendar_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Rounds down for times before 1970 too. */
int64_t
calendar_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1970 of a day of the Gregorian calendar; years begin in March here, so that the leap day is the last. */
int64_t
calendar_days(uint64_t year, uint64_t month, uint64_t day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t m = ((int64_t)month + 9) % 12;
	int64_t leap_days = calendar_divide(y, 4) - calendar_divide(y, 100) + calendar_divide(y, 400);
	return 365 * y + leap_days + (153 * m + 2) / 5 + (int64_t)day - 719469;
}

void
calendar_of_days(int64_t days, struct calendar *f)
{
	int64_t z = days + 719468;
	int64_t era = calendar_divide(z, 146097);
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	f->day = (uint64_t)(of_year - (153 * month + 2) / 5 + 1);
	f->month = (uint64_t)(month < 10 ? month + 3 : month - 9);
	f->year = (uint64_t)(year + era * 400 + (f->month <= 2));
}

bool
calendar_is_right(const struct calendar *f)
{
	static const unsigned char lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = f->year % 4 == 0 && (f->year % 100 != 0 || f->year % 400 == 0);
	if (f->month < 1 || f->month > 12 || f->day < 1 || f->day > lengths[f->month - 1])
		return false;
	if (f->month == 2 && f->day == 29 && !leap)
		return false;
	return f->hour <= 23 && f->minute <= 59 && f->second <= 60;
}
