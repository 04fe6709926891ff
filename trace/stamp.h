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

/*
 * Takes the stamp and the space behind it from `*line` and gives nanoseconds
 * since 1970. False: the line has none and is as it was. `now`: seconds since
 * 1970, for the year.
 */
bool stamp_take(struct slice *line, int64_t now, int64_t *nanoseconds);

#endif
