/* Which messages a tool is told to show or to change: --sender, --recipient, --domain, --older-than, --held, and ids. */
#ifndef QUEUE_CONTROL_FILTER_H
#define QUEUE_CONTROL_FILTER_H

#include "queue/control_client.h"

struct filter {
	const char  *sender, *recipient, *domain; /* patterns with "*"; NULL: any. The sender "" or "<>" is the null sender */
	bool         aged, held;
	uint64_t     before; /* of aged: arrived at this time (seconds since 1970) or earlier */
	char *const *ids;    /* these messages only; NULL: all */
	size_t       id_count;
};

#define FILTER_USAGE "[--sender ADDRESS] [--recipient ADDRESS] [--domain DOMAIN] [--older-than AGE] [--held]"
#define FILTER_HELP                                                                                            \
	"  --sender ADDRESS     of this sender: \"*\" stands for any text, <> is the null sender\n"             \
	"  --recipient ADDRESS  that wait for this recipient (\"*\" as above)\n"                                \
	"  --domain DOMAIN      that wait for a recipient in this domain (\"*\" as above)\n"                    \
	"  --older-than AGE     that have been here for so long: 30m, 2h, 5d\n"                                 \
	"  --held               that are held\n"

enum filter_option {
	FILTER_TAKEN,
	FILTER_UNKNOWN, /* no option of these */
	FILTER_WRONG,   /* its value is missing or wrong; said on standard error */
};

/* Takes the option at words[*at], with its value; *at is its last word then. */
enum filter_option filter_take(struct filter *f, const char *program, char *const *words, int count, int *at);
/* True when something is chosen, ids aside. */
bool filter_chooses(const struct filter *f);
/* Queue ids; false, said on standard error. */
bool filter_take_ids(struct filter *f, const char *program, char *const *ids, size_t count);
/* A recipient that the filter means. One that has ended is meant only when nothing is chosen. */
bool filter_matches(const struct filter *f, const struct queue_entry *e);
/* Calls `each` for the recipients that are meant. */
enum control_result filter_list(struct control *c, const struct filter *f, control_each *each, void *context);

/* "*" stands for any text; ASCII letters of both cases are the same. */
bool wildcards_match(struct slice pattern, struct slice text);

#endif
