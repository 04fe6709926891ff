/* The commands and tests that there are, as tables: what each may be given, and the function that does it. */
#ifndef SIEVE_DEFINITIONS_H
#define SIEVE_DEFINITIONS_H

#include "sieve/script.h"

struct sieve_run;

/* Groups of tags; a call may have one tag of a group. */
enum sieve_tags {
	TAGS_MATCH = 1 << 0,
	TAGS_COMPARATOR = 1 << 1,
	TAGS_PART = 1 << 2,
	TAGS_OVER = 1 << 3,
	TAGS_COPY = 1 << 4,
	TAGS_CREATE = 1 << 5,
	TAGS_FLAGS = 1 << 6,
	TAGS_DAYS = 1 << 7,
	TAGS_SUBJECT = 1 << 8,
	TAGS_FROM = 1 << 9,
	TAGS_ADDRESSES = 1 << 10,
	TAGS_MIME = 1 << 11,
	TAGS_HANDLE = 1 << 12,
};

enum sieve_extension {
	EXTENSION_FILEINTO = 1 << 0,
	EXTENSION_REJECT = 1 << 1,   /* RFC 5429 */
	EXTENSION_EREJECT = 1 << 2,
	EXTENSION_ENVELOPE = 1 << 3,
	EXTENSION_ENCODED_CHARACTER = 1 << 4,
	EXTENSION_SUBADDRESS = 1 << 5, /* RFC 5233 */
	EXTENSION_VACATION = 1 << 6,   /* RFC 5230 */
	EXTENSION_IMAP4FLAGS = 1 << 7, /* RFC 5232 */
	EXTENSION_COPY = 1 << 8,       /* RFC 3894 */
	EXTENSION_MAILBOX = 1 << 9,    /* RFC 5490 */
	EXTENSION_COMPARATOR = 1 << 10, /* those that are there without it */
};

enum sieve_tests { TESTS_NONE, TESTS_ONE, TESTS_LIST };

/* What comes of a command. */
enum sieve_flow {
	FLOW_ON,
	FLOW_STOP,  /* the script has ended well */
	FLOW_ERROR, /* the problem is told */
};

enum sieve_answer { ANSWER_NO, ANSWER_YES, ANSWER_ERROR };

struct sieve_definition {
	const char      *name;
	unsigned         extensions; /* one of these must be required; 0: none */
	unsigned         tags;       /* groups that it may have */
	const char      *positions;  /* arguments without a tag: s a string, S a list of strings, n a number */
	enum sieve_tests tests;
	bool             block;
	enum sieve_flow (*act)(struct sieve_run *r, const struct sieve_call *call);   /* of a command; NULL: the block's loop knows it */
	enum sieve_answer (*ask)(struct sieve_run *r, const struct sieve_call *call); /* of a test */
	bool (*check)(const struct sieve_call *call, struct sieve_problem *p);        /* what else must be right; or NULL */
};

/* NULL: there is none. Case does not matter (RFC 5228 section 2.1). */
const struct sieve_definition *sieve_command_find(struct slice name);
const struct sieve_definition *sieve_test_find(struct slice name);

/* The bit of a capability's name (case matters); 0: it is not known. */
unsigned sieve_extension_find(struct slice name);
/* Its name. */
const char *sieve_extension_name(unsigned bit);
/* All names with spaces between, for people. */
extern const char sieve_extensions[];

#endif
