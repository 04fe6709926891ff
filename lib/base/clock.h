/* Time. Deadlines are in milliseconds of a clock that never jumps. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of the monotonic clock: for deadlines and durations only. */
int64_t clock_ms(void);
/* The same as it was at the kernel's last tick, some ms ago: for who asks for each of many small things. */
int64_t clock_ms_about(void);
/* Seconds since 1970. */
int64_t clock_unix(void);
/* Microseconds since 1970: for ids and names. */
int64_t clock_unix_us(void);
/* What is left until `deadline` (of clock_ms) as poll(2) takes it: 0 when past, -1 for a deadline of -1 (never). */
int clock_poll_timeout(int64_t deadline);

#endif
