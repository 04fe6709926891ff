/*
 * One log function for the whole suite. Each event is one line on standard
 * error, for s6-log, svlogd or journald to keep:
 *
 *     postern-smtpd: info: accepted session=k3f9 queue=... from="a b@x" size=412
 *     postern-authd: error: query-failed file=/etc/... reason="..." hint="..."
 *
 * Keys are ours, values may be hostile: bytes outside printable ASCII, `"` and
 * `\` become \xHH, a value with a space or `=` or nothing in it is quoted, and
 * one longer than 512 bytes is cut and ends in "...". A line is written with
 * one write(2) and holds at most 4,000 bytes, so lines never mix.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
	const char  *key; /* NULL: left out */
	struct slice value;
	int64_t      number;
	enum { LOG_TEXT, LOG_NUMBER } kind;
};

/* Fields for log_event(): text that ends in NUL, a slice, a number, errno in words. */
struct log_field log_text(const char *key, const char *value);
struct log_field log_slice(const char *key, struct slice value);
struct log_field log_number(const char *key, int64_t value);
struct log_field log_errno(void); /* reason="..." of the current errno */

/* Once, before the first event: the program's name; and the least level that is written. */
void log_open(const char *program);
void log_set_level(enum log_level least);
/* Sets key=value that every later line bears (session=... or user=...); NULL removes. The key must be a literal. */
void log_session(const char *key, const char *value);

/* Writes one line. `event` is one or two words of ours joined by '-'. Keeps errno. */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

#define log_event(level, event, ...)                                                                 \
	log_write((level), (event), (const struct log_field[]){{.key = NULL}, __VA_ARGS__},              \
	    sizeof((const struct log_field[]){{.key = NULL}, __VA_ARGS__}) / sizeof(struct log_field))

#define log_info(event, ...) log_event(LOG_INFO, (event), __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_WARNING, (event), __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_ERROR, (event), __VA_ARGS__)

#endif
