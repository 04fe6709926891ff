/*
 * An inquiry is one question to the resolver, from the asking to the answer:
 * it fetches from SQL what the resolver wants and runs it again until it has
 * an answer. Here stands also what memory must not say alone:
 *
 *   - A "no" that rests on something remembered is asked again of SQL first.
 *   - While the database is gone, what is remembered may say yes; a "no" that
 *     rests on it is "later": an outage never looks as if a user did not exist.
 */
#ifndef AUTHD_INQUIRY_H
#define AUTHD_INQUIRY_H

#include <stdbool.h>

#include "authd/fetch.h"
#include "authd/resolve.h"

struct inquiry;

/* `fields` of the resolution are the answer. Called once; the inquiry is gone after it. */
typedef void inquiry_handler(void *owner, struct resolution *r, enum verdict v);

/* The question by which it is found out whether a map's database is back. */
struct probe {
	struct inquiries *all;
	enum map          map;
	bool              under_way;
	struct str        key, service, client;
};

/* What all inquiries share. */
struct inquiries {
	struct resolve_options options;
	struct fact_source     source;
	struct fetches         fetches;
	struct inquiry        *first; /* those that wait for SQL */
	struct probe           probes[MAP_COUNT];
	enum map               probed; /* last */
	struct timer           retry;  /* the next probe, while a map's database is gone */
};

/* What is asked. Texts are copied. */
struct question {
	enum inquiry_kind kind;
	const char       *address; /* or login */
	const char       *login;   /* INQUIRY_SENDER: who; else "" */
	const char       *service, *client; /* INQUIRY_PASSWORD: for queries that name them; else "" */
	const char       *tag;     /* comes back by inquiry_tag() */
	bool              explain; /* inquiry_story() tells what happened */
};

/*
 * Asks. The handler is called within this call when all is known, else later.
 * False: no memory, or the address is too long (the handler is not called).
 */
bool inquiry_start(struct inquiries *all, const struct question *q, inquiry_handler *done, void *owner);
/* The tag that the inquiry was started with; valid in the handler. */
const char *inquiry_tag(const struct resolution *r);
/* Lines, each with a NUL behind it; valid in the handler. */
struct slice inquiry_story(const struct resolution *r);
/* The owner is going: its handlers are not called any more. */
void inquiries_forget(struct inquiries *all, const void *owner);

#endif
