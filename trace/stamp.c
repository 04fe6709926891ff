#include "trace/stamp.h"

#include <string.h>
#include <time.h>

#include "lib/base/ascii.h"


#define SECOND     1000000000LL
#define TAI_1970   0x4000000000000000ULL
#define DAY        86400

static bool
is_separator(struct slice s, size_t at, const char *any)
{
	return at < s.len && strchr(any, s.data[at]) != NULL && s.data[at] != '\0';
}

/* `count` decimal digits at `at`. -1: they are not. */
static int
digits(struct slice s, size_t at, size_t count)
{
	int value = 0;
	for (size_t i = at; i < at + count; i++) {
		if (i >= s.len || !ascii_is_digit((unsigned char)s.data[i]))
			return -1;
		value = value * 10 + (s.data[i] - '0');
	}
	return value;
}

static bool
hex_number(struct slice s, size_t at, size_t count, uint64_t *value)
{
	*value = 0;
	for (size_t i = at; i < at + count; i++) {
		int digit = i < s.len ? ascii_hex_lower(s.data[i]) : -1;
		if (digit < 0)
			return false;
		*value = *value << 4 | (uint64_t)digit;
	}
	return true;
}

static size_t
take_tai(struct slice s, int64_t ahead, int64_t *ns)
{
	uint64_t seconds, fraction;
	if (!is_separator(s, 0, "@") || !hex_number(s, 1, 16, &seconds) || !hex_number(s, 17, 8, &fraction))
		return 0;
	/* Years that cannot be told in nanoseconds are no stamp. */
	if (seconds < TAI_1970 || seconds - TAI_1970 > INT64_MAX / SECOND - 1 || fraction >= SECOND)
		return 0;
	*ns = ((int64_t)(seconds - TAI_1970) - ahead) * SECOND + (int64_t)fraction;
	return 25;
}

int64_t
stamp_tai_seconds(struct slice last_line, int64_t changed)
{
	int64_t ns;
	if (take_tai(last_line, TAI_WITHOUT, &ns) == 0)
		return TAI_WITH_LEAP_SECONDS;
	int64_t apart = ns / SECOND - changed;
	return apart >= -5 && apart <= 5 ? TAI_WITHOUT : TAI_WITH_LEAP_SECONDS;
}

/* `.123456` at `*at`, moved behind it. */
static int64_t
take_fraction(struct slice s, size_t *at)
{
	int64_t ns = 0, unit = SECOND / 10;
	if (!is_separator(s, *at, ".,"))
		return 0;
	for (++*at; *at < s.len && ascii_is_digit((unsigned char)s.data[*at]); ++*at, unit /= 10)
		ns += (s.data[*at] - '0') * unit;
	return ns;
}

/* `Z`, `+01:00`, `-0500` or nothing: seconds east of UTC. */
static int
take_zone(struct slice s, size_t *at)
{
	if (is_separator(s, *at, "Z")) {
		++*at;
		return 0;
	}
	if (!is_separator(s, *at, "+-"))
		return 0;
	int sign = s.data[*at] == '-' ? -1 : 1;
	bool colon = is_separator(s, *at + 3, ":");
	int hours = digits(s, *at + 1, 2), minutes = digits(s, *at + 3 + colon, 2);
	if (hours < 0 || minutes < 0)
		return 0;
	*at += 5 + (size_t)colon;
	return sign * (hours * 3600 + minutes * 60);
}

/* hh:mm:ss at `at`. */
static bool
read_clock(struct slice s, size_t at, struct tm *tm)
{
	tm->tm_hour = digits(s, at, 2);
	tm->tm_min = digits(s, at + 3, 2);
	tm->tm_sec = digits(s, at + 6, 2);
	return tm->tm_hour >= 0 && tm->tm_min >= 0 && tm->tm_sec >= 0 && is_separator(s, at + 2, ":") &&
	    is_separator(s, at + 5, ":");
}

static size_t
take_iso(struct slice s, int64_t *ns)
{
	struct tm tm = {.tm_year = digits(s, 0, 4) - 1900, .tm_mon = digits(s, 5, 2) - 1, .tm_mday = digits(s, 8, 2)};
	if (tm.tm_year < 70 || tm.tm_year > 300 || tm.tm_mon < 0 || tm.tm_mday < 1 || !is_separator(s, 4, "-") ||
	    !is_separator(s, 7, "-") || !is_separator(s, 10, "T_ ") || !read_clock(s, 11, &tm))
		return 0;
	size_t at = 19;
	int64_t fraction = take_fraction(s, &at);
	int zone = take_zone(s, &at);
	*ns = ((int64_t)timegm(&tm) - zone) * SECOND + fraction;
	return at;
}

static int
month(struct slice s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (int i = 0; i < 12; i++)
		if (slice_equal(slice_first(s, 3), slice_make(names + 3 * i, 3)))
			return i;
	return -1;
}

static size_t
take_syslog(struct slice s, int64_t now, int64_t *ns)
{
	struct tm tm = {.tm_mon = month(s), .tm_isdst = -1}, today;
	time_t clock = (time_t)now;
	tm.tm_mday = is_separator(s, 4, " ") ? digits(s, 5, 1) : digits(s, 4, 2);
	if (tm.tm_mon < 0 || tm.tm_mday < 1 || !is_separator(s, 6, " ") || !read_clock(s, 7, &tm) ||
	    localtime_r(&clock, &today) == NULL)
		return 0;
	size_t at = 15;
	int64_t fraction = take_fraction(s, &at);
	struct tm last = tm;
	tm.tm_year = today.tm_year;
	last.tm_year = today.tm_year - 1;
	time_t when = mktime(&tm);
	if (when > clock + DAY)
		when = mktime(&last);
	*ns = (int64_t)when * SECOND + fraction;
	return at;
}

bool
stamp_take(struct slice *line, const struct stamp_habits *habits, int64_t *nanoseconds)
{
	size_t len = take_tai(*line, habits->tai_seconds, nanoseconds);
	if (len == 0)
		len = take_iso(*line, nanoseconds);
	if (len == 0)
		len = take_syslog(*line, habits->now, nanoseconds);
	if (len == 0 || !is_separator(*line, len, " "))
		return false;
	*line = slice_from(*line, len + 1);
	return true;
}
