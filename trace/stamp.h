/*
 * The time at the head of a log line, as loggers write it:
 *
 *     @400000006926...                      multilog, s6-log, svlogd -t (TAI64N)
 *     2026-11-25_22:38:14.12345             svlogd -tt, -ttt (UTC)
 *     2026-11-25T22:38:14.123456+01:00      syslog, journalctl -o short-iso (no zone: UTC)
 *     Nov 25 22:38:14                       syslog, journalctl (local time; the year is the last one that fits)
 */
#ifndef TRACE_STAMP_H
#define TRACE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

/* What a stamp does not say of itself. */
struct stamp_habits {
	int64_t now;         /* seconds since 1970, for the year */
	int64_t tai_seconds; /* by how many a TAI64N label is ahead of UTC: s6-log counts leap seconds, multilog and svlogd write 10 */
};

#define TAI_WITH_LEAP_SECONDS 37 /* since 2017 */
#define TAI_WITHOUT           10

/*
 * Takes the stamp and the space behind it from `*line` and gives nanoseconds
 * since 1970. False: the line has none and is as it was.
 */
bool stamp_take(struct slice *line, const struct stamp_habits *habits, int64_t *nanoseconds);

/*
 * How the writer of a file counts: its last line was written when the file
 * changed last. Of a file whose times do not fit: as s6-log does.
 */
int64_t stamp_tai_seconds(struct slice last_line, int64_t changed);

#endif
