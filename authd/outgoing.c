#include "authd/outgoing.h"

#include <stdio.h>
#include <stdlib.h>

#include "authd/users_file.h"
#include "lib/base/number.h"

#define HOUR 3600
#define DAY  (24 * HOUR)

#define HOUR_STEP (HOUR / (OUTGOING_HOUR_STEPS - 1))
#define DAY_STEP  (DAY / (OUTGOING_DAY_STEPS - 1))

/* --- the setting outgoing_limits ------------------------------------------------- */

/* NULL, or what is wrong. */
static const char *
parse_exception(struct slice line, struct outgoing_exception *e)
{
	e->login = users_next_field(&line);
	struct slice hour = users_next_field(&line), day = users_next_field(&line);
	if (hour.len == 0 || day.len == 0 || users_next_field(&line).len > 0)
		return "a line must be: LOGIN HOUR DAY, or @DOMAIN HOUR DAY";
	if (!number_parse(hour, UINT32_MAX, &e->limits.hour) || !number_parse(day, UINT32_MAX, &e->limits.day))
		return "HOUR and DAY must be numbers of recipients (0: no limit)";
	return NULL;
}

static bool
is_empty(struct slice line)
{
	struct slice first = users_next_field(&line);
	return first.len == 0 || first.data[0] == '#';
}

static size_t
lines_of(struct slice text)
{
	size_t count = 0;
	for (struct slice line; slice_split(&text, '\n', &line);)
		count++;
	return count;
}

bool
outgoing_begin(struct outgoing *o, struct outgoing_limits limits, const char *exceptions, struct str *problem)
{
	struct slice text = slice_of(exceptions);
	o->limits = limits;
	o->key = siphash_key_new();
	o->exception_count = 0;
	o->exceptions = calloc(lines_of(text) + 1, sizeof *o->exceptions);
	if (o->exceptions == NULL)
		return str_append_text(problem, "no memory") && false;
	size_t number = 0;
	for (struct slice line; slice_split(&text, '\n', &line);) {
		number++;
		if (is_empty(line))
			continue;
		const char *wrong = parse_exception(line, &o->exceptions[o->exception_count++]);
		if (wrong != NULL)
			return str_append_format(problem, "line %zu: %s", number, wrong) && false;
	}
	return true;
}

static const struct outgoing_exception *
exception_of(const struct outgoing *o, struct slice name)
{
	for (size_t i = 0; i < o->exception_count; i++)
		if (slice_equal_nocase(o->exceptions[i].login, name))
			return &o->exceptions[i];
	return NULL;
}

static struct outgoing_limits
limits_of(const struct outgoing *o, struct slice login)
{
	const struct outgoing_exception *e = exception_of(o, login);
	if (e == NULL)
		e = exception_of(o, slice_from(login, slice_find_last(login, '@')));
	return e != NULL ? e->limits : o->limits;
}

/* --- buckets ----------------------------------------------------------------------- */

/* Empties the buckets of the steps that began since `newest`; all of them after a whole window. */
static void
roll(uint32_t *buckets, int64_t count, int64_t step, int64_t newest, int64_t now)
{
	int64_t from = newest / step + 1, to = now / step;
	if (to - from >= count)
		from = to - count + 1;
	for (int64_t s = from; s <= to; s++)
		buckets[s % count] = 0;
}

static uint64_t
sum(const uint32_t *buckets, size_t count)
{
	uint64_t all = 0;
	for (size_t i = 0; i < count; i++)
		all += buckets[i];
	return all;
}

static void
add(uint32_t *bucket, uint64_t recipients)
{
	*bucket = recipients > UINT32_MAX - *bucket ? UINT32_MAX : *bucket + (uint32_t)recipients;
}

/* A clock that went back counts into the newest step; one that went back by more than a day was wrong before. */
static void
roll_login(struct outgoing_login *l, int64_t now)
{
	if (now < l->newest - DAY)
		*l = (struct outgoing_login){.hash = l->hash, .newest = now};
	if (now <= l->newest)
		return;
	roll(l->hour, OUTGOING_HOUR_STEPS, HOUR_STEP, l->newest, now);
	roll(l->day, OUTGOING_DAY_STEPS, DAY_STEP, l->newest, now);
	l->newest = now;
}

/* --- the table --------------------------------------------------------------------- */

static uint64_t
last_day(struct outgoing_login copy, int64_t now)
{
	roll_login(&copy, now);
	return sum(copy.day, OUTGOING_DAY_STEPS);
}

static bool
gives_way_before(const struct outgoing_login *a, const struct outgoing_login *b, int64_t now)
{
	uint64_t x = last_day(*a, now), y = last_day(*b, now);
	return x != y ? x < y : a->newest < b->newest;
}

static struct outgoing_login *
place_of(struct outgoing *o, struct slice login, int64_t now)
{
	uint64_t hash = siphash(&o->key, login) | 1; /* never 0 */
	struct outgoing_login *set = o->logins[(hash >> 1) % OUTGOING_SETS], *victim = set;
	for (size_t i = 0; i < OUTGOING_WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	for (size_t i = 1; i < OUTGOING_WAYS; i++)
		if (gives_way_before(&set[i], victim, now))
			victim = &set[i];
	*victim = (struct outgoing_login){.hash = hash, .newest = now};
	return victim;
}

/* --- the verdict --------------------------------------------------------------------- */

static bool
is_over(uint64_t recipients, uint64_t limit)
{
	return limit > 0 && recipients > limit;
}

static void
put_why(struct outgoing_state *s, uint64_t recipients, const char *window, uint64_t limit)
{
	snprintf(s->why, sizeof s->why, "%llu recipients within %s, the limit is %llu", (unsigned long long)recipients, window,
	    (unsigned long long)limit);
}

enum outgoing_verdict
outgoing_count(struct outgoing *o, struct slice login, uint64_t recipients, int64_t now_unix, struct outgoing_state *state)
{
	struct outgoing_login *l = place_of(o, login, now_unix);
	roll_login(l, now_unix);
	add(&l->hour[l->newest / HOUR_STEP % OUTGOING_HOUR_STEPS], recipients);
	add(&l->day[l->newest / DAY_STEP % OUTGOING_DAY_STEPS], recipients);
	*state = (struct outgoing_state){.limits = limits_of(o, login), .hour = sum(l->hour, OUTGOING_HOUR_STEPS),
	    .day = sum(l->day, OUTGOING_DAY_STEPS)};
	bool day = is_over(state->day, state->limits.day);
	if (!day && !is_over(state->hour, state->limits.hour))
		return OUTGOING_PASS;
	if (day)
		put_why(state, state->day, "a day", state->limits.day);
	else
		put_why(state, state->hour, "an hour", state->limits.hour);
	if (l->told != 0 && l->newest - l->told < (day ? DAY : HOUR))
		return OUTGOING_HOLD_AGAIN;
	l->told = l->newest;
	return OUTGOING_HOLD_FIRST;
}
