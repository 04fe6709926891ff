/* Dates of messages (RFC 5322 sections 3.3 and 4.3) and of IMAP (RFC 9051, date-time and date). */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"

struct date {
	int64_t when; /* seconds since 1970, UTC */
	int     zone; /* minutes east of UTC in which it is written */
};

/* Reads the zone of this machine. Once, before the program shuts the file system to itself. */
void date_open(void);

/* A time with the zone of this machine. */
struct date date_local(int64_t when);

/* Appends "Sat, 21 Nov 2026 02:00:00 +0000". False when `into` is full or the year is not 0 to 9999. */
bool date_print(struct str *into, struct date d);
/* The same with comments, folds, obsolete zones, two-digit years; no weekday or a wrong one does not matter. */
bool date_parse(struct slice text, struct date *d);

/* IMAP's internal date without its quotes: "21-Nov-2026 02:00:00 +0000", " 1-Nov-..." */
bool date_print_imap(struct str *into, struct date d);
bool date_parse_imap(struct slice text, struct date *d);

/* A day of IMAP's SEARCH, "1-Nov-2026", as days since 1970. */
bool date_parse_imap_day(struct slice text, int64_t *day);
/* The day on which `d` falls in its own zone, as days since 1970. */
int64_t date_day(struct date d);

#endif
