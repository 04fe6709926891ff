/*
 * What a sender is told of each recipient of his message: what he asked for
 * (RFC 3461 sections 4.1 and 5.2), and what of it is due. Nothing here reads or
 * writes; the letter is bounce.h's, the marks are the manager's.
 */
#ifndef QUEUE_REPORT_H
#define QUEUE_REPORT_H

#include <stdbool.h>

#include "lib/base/outcome.h"
#include "lib/base/str.h"
#include "queue/file.h"

/* How the text of an outcome begins that ends the waiting; then follow the code and the text of the last attempt. */
#define REPORT_TOO_OLD "could not be delivered in time; the last answer was "

enum report {
	REPORT_NOTHING,
	REPORT_FAILED,
	REPORT_DELAYED,
	REPORT_DELIVERED,
	REPORT_RELAYED,  /* to a host without DSN: no more will be heard of it */
	REPORT_EXPANDED, /* an alias with several targets, which are passed on without SUCCESS (RFC 3461 section 5.2.7) */
	REPORT_KINDS,
};

/* "failed", "delayed", "delivered", "relayed", "expanded": the values of Action (RFC 3464 section 2.3.3), and of the log. */
const char *report_word(enum report what);

/* The status of a recipient that failed: nobody hears of it where NOTIFY is without FAILURE. */
enum recipient_status report_failed(const struct queue_file *f, const struct file_recipient *r);
/* The status of one that has it: success is reported where NOTIFY says SUCCESS, by us or by the next host if that has DSN. */
enum recipient_status report_succeeded(const struct queue_file *f, const struct file_recipient *r, bool relayed);

/*
 * What the next letter says of this recipient. With `late` those that wait are
 * told of as delayed, but who was warned of already, and whose NOTIFY is without
 * DELAY. A null sender hears of failures only (they go to the postmaster).
 */
enum report report_of(const struct queue_file *f, const struct file_recipient *r, bool late);
bool report_is_due(const struct queue_file *f, bool late);
/* The status of a recipient once the letter that says this of it is committed. */
enum recipient_status report_done(enum report what);

/*
 * NOTIFY for the next host (RFC 3461 sections 5.2.1, 5.2.7.2 and 5.2.7.3): as
 * the sender gave it, without SUCCESS behind an alias with several targets
 * ("NEVER" when nothing else was there). Replaces the content; empty: none was given.
 */
void report_notify(struct str *into, const struct queue_file *f, const struct file_recipient *r);

#endif
