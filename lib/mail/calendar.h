/* Within lib/mail: days of the Gregorian calendar, before its time and before 1970 too. */
#ifndef MAIL_CALENDAR_H
#define MAIL_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_SECONDS 86400

/* A date as it is written, in its own zone. */
struct calendar {
	uint64_t year, month, day; /* month 1 to 12 */
	uint64_t hour, minute, second;
	int      zone;
};

/* Three letters each. */
extern const char calendar_months[];

/* a / b rounded down, for times before 1970. */
int64_t calendar_divide(int64_t a, int64_t b);
/* Days since 1970 of a day, and back. */
int64_t calendar_days(uint64_t year, uint64_t month, uint64_t day);
void    calendar_of_days(int64_t days, struct calendar *f);
/* Whether there is such a day and time; a leap second is one. */
bool calendar_is_right(const struct calendar *f);

#endif
