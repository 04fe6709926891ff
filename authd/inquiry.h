/*
 * An inquiry is one question to the resolver, from the asking to the answer:
 * it fetches from SQL what the resolver wants and runs it again until it has
 * an answer.
 */
#ifndef AUTHD_INQUIRY_H
#define AUTHD_INQUIRY_H

#include <stdbool.h>

#include "authd/resolve.h"
#include "lib/ipc/pool.h"

struct inquiry;

/* `fields` of the resolution are the answer. Called once; the inquiry is gone after it. */
typedef void inquiry_handler(void *owner, struct resolution *r, enum verdict v);

/* What all inquiries share. */
struct inquiries {
	struct resolve_options options;
	struct fact_source     source;
	struct pool           *database;
	struct inquiry        *first; /* those that wait for SQL */
};

/*
 * Asks. The handler is called within this call when all is known, else later.
 * False: no memory (the handler is not called).
 */
bool inquiry_start(struct inquiries *all, enum inquiry_kind kind, const char *address, const char *login,
    const char *tag, inquiry_handler *done, void *owner);
/* The tag that the inquiry was started with; valid in the handler. */
const char *inquiry_tag(const struct resolution *r);
/* The owner is going: its handlers are not called any more. */
void inquiries_forget(struct inquiries *all, const void *owner);

#endif
