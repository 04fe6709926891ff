#include "lib/base/cursor.h"
#include "lib/mail/blank.h"
#include "lib/mail/calendar.h"
#include "lib/mail/date.h"

static bool
set_date(const struct calendar *f, struct date *d)
{
	if (!calendar_is_right(f))
		return false;
	int64_t seconds = (int64_t)(f->hour * 3600 + f->minute * 60 + f->second);
	d->when = calendar_days(f->year, f->month, f->day) * DAY_SECONDS + seconds - f->zone * 60;
	d->zone = f->zone;
	return true;
}

/* A month by the first three letters of its name; the rest of the word is taken with it. */
static bool
take_month(struct cursor *c, uint64_t *month)
{
	struct slice word = cursor_take_while(c, ascii_is_alpha);
	for (*month = 1; *month <= 12; ++*month)
		if (word.len >= 3 && slice_equal_nocase(slice_first(word, 3), slice_make(calendar_months + 3 * (*month - 1), 3)))
			return true;
	return false;
}

/* "Sat," or "Sat" or nothing. */
static void
skip_weekday(struct cursor *c)
{
	blank_skip(c);
	cursor_take_while(c, ascii_is_alpha);
	blank_skip(c);
	cursor_take(c, ',');
	blank_skip(c);
}

/* RFC 5322 section 4.3: two digits below 50 are of this century, other short years count from 1900. */
static bool
take_year(struct cursor *c, uint64_t *year)
{
	size_t before = c->rest.len;
	if (!cursor_take_number(c, 9999, year))
		return false;
	size_t digits = before - c->rest.len;
	if (digits == 2 && *year < 50)
		*year += 2000;
	else if (digits == 2 || digits == 3)
		*year += 1900;
	return digits >= 2;
}

/* ":05", spaces around the colon. */
static bool
take_colon_number(struct cursor *c, uint64_t *number)
{
	blank_skip(c);
	if (!cursor_take(c, ':'))
		return false;
	blank_skip(c);
	return cursor_take_number(c, 60, number);
}

static bool
take_time(struct cursor *c, struct calendar *f)
{
	if (!cursor_take_number(c, 23, &f->hour) || !take_colon_number(c, &f->minute))
		return false;
	struct cursor ahead = *c;
	blank_skip(&ahead);
	return cursor_peek(&ahead) != ':' || take_colon_number(c, &f->second);
}

/* "+hhmm" */
static bool
take_offset(struct cursor *c, int *zone)
{
	uint64_t number;
	int sign = cursor_next(c);
	size_t before = c->rest.len;
	if ((sign != '+' && sign != '-') || !cursor_take_number(c, 9999, &number) || before - c->rest.len != 4)
		return false;
	if (number % 100 > 59 || number / 100 > 23)
		return false;
	int minutes = (int)(number / 100 * 60 + number % 100);
	*zone = sign == '-' ? -minutes : minutes;
	return true;
}

/* Zones by name, RFC 5322 section 4.3: those not in the table, the letters too, mean -0000. */
static int
named_zone(struct slice name)
{
	static const struct {
		char name[4];
		int  hours;
	} zones[] = {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6}, {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}};
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (slice_is_nocase(name, zones[i].name))
			return zones[i].hours * 60;
	return 0;
}

static void
take_zone(struct cursor *c, int *zone)
{
	blank_skip(c);
	*zone = 0;
	struct cursor ahead = *c;
	if (take_offset(&ahead, zone))
		*c = ahead;
	else
		*zone = named_zone(cursor_take_while(c, ascii_is_alpha));
}

bool
date_parse(struct slice text, struct date *d)
{
	struct cursor c = cursor_over(text);
	struct calendar f = {.year = 0};
	skip_weekday(&c);
	if (!cursor_take_number(&c, 31, &f.day))
		return false;
	blank_skip(&c);
	if (!take_month(&c, &f.month))
		return false;
	blank_skip(&c);
	if (!take_year(&c, &f.year))
		return false;
	blank_skip(&c);
	if (!take_time(&c, &f))
		return false;
	take_zone(&c, &f.zone);
	return set_date(&f, d);
}

/* "21-Nov-2026"; the month's name is exactly three letters, the year four digits. */
static bool
take_imap_day(struct cursor *c, struct calendar *f)
{
	struct slice year;
	if (!cursor_take_number(c, 31, &f->day) || !cursor_take(c, '-'))
		return false;
	size_t before = c->rest.len;
	if (!take_month(c, &f->month) || before - c->rest.len != 3 || !cursor_take(c, '-'))
		return false;
	if (!cursor_take_bytes(c, 4, &year))
		return false;
	struct cursor digits = cursor_over(year);
	return cursor_take_number(&digits, 9999, &f->year) && cursor_at_end(&digits);
}

bool
date_parse_imap(struct slice text, struct date *d)
{
	struct cursor c = cursor_over(text);
	struct calendar f = {.year = 0};
	cursor_take(&c, ' ');
	if (!take_imap_day(&c, &f) || !cursor_take(&c, ' '))
		return false;
	if (!take_time(&c, &f) || !cursor_take(&c, ' ') || !take_offset(&c, &f.zone))
		return false;
	return cursor_at_end(&c) && set_date(&f, d);
}

bool
date_parse_imap_day(struct slice text, int64_t *day)
{
	struct cursor c = cursor_over(text);
	struct calendar f = {.year = 0};
	if (!take_imap_day(&c, &f) || !cursor_at_end(&c) || !calendar_is_right(&f))
		return false;
	*day = calendar_days(f.year, f.month, f.day);
	return true;
}
