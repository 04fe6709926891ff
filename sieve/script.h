/*
 * A Sieve script (RFC 5228) as a tree: what lexer.h and parser.h make of the
 * text by its grammar alone (section 8), and check.h then fills with what the
 * words mean.
 */
#ifndef SIEVE_SCRIPT_H
#define SIEVE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "sieve/memory.h"

/* The budgets of a script. RFC 5228 section 2.10.5 wants at least 15 levels. */
#define SIEVE_SCRIPT_MOST  (256u << 10) /* bytes */
#define SIEVE_NESTING_MOST 32           /* blocks and tests within each other */
#define SIEVE_CALLS_MOST   10000        /* commands and tests */
#define SIEVE_LIST_MOST    1000         /* strings of one list */

/* What is wrong with a script, and where. */
struct sieve_problem {
	unsigned line;
	char     text[160];
};

struct sieve_strings {
	struct slice *items;
	size_t        count;
};

enum sieve_argument_kind { ARGUMENT_STRINGS, ARGUMENT_NUMBER, ARGUMENT_TAG };

struct sieve_argument {
	enum sieve_argument_kind kind;
	unsigned             line;
	struct slice         tag;     /* without the colon */
	uint64_t             number;
	struct sieve_strings strings; /* one that is no list is a list of one */
	bool                 listed;  /* in brackets */
	struct sieve_argument *next;
};

enum sieve_match { MATCH_IS, MATCH_CONTAINS, MATCH_MATCHES };
enum sieve_comparator { COMPARE_CASEMAP, COMPARE_OCTET };
enum sieve_part { PART_ALL, PART_LOCAL, PART_DOMAIN, PART_USER, PART_DETAIL };

/* What a call's arguments say. */
struct sieve_said {
	unsigned              tags; /* groups of tags that were there (definitions.h) */
	enum sieve_match      match;
	enum sieve_comparator comparator;
	enum sieve_part       part;
	bool                  over, copy, create, mime;
	uint64_t              days;
	struct sieve_strings  flags, addresses;
	struct slice          subject, from, handle; /* data NULL: not said */
	struct sieve_strings  first, second;         /* arguments without a tag, in order */
	uint64_t              number;
};

struct sieve_definition;

/* A command or a test. */
struct sieve_call {
	struct slice           name;
	unsigned               line;
	struct sieve_argument *arguments;
	struct sieve_call     *tests; /* linked by `next` */
	bool                   test_list; /* in parentheses */
	struct sieve_call     *block; /* linked by `next` */
	bool                   has_block;
	struct sieve_call     *next;

	/* Of check.h. */
	const struct sieve_definition *definition;
	struct sieve_said              said;
};

struct sieve_script {
	struct sieve_call *commands;
	unsigned           extensions; /* that it requires (definitions.h) */
};

/* Keeps the first problem. Returns false, for the caller to return. */
__attribute__((format(printf, 3, 4))) bool sieve_wrong(struct sieve_problem *p, unsigned line, const char *format, ...);

#endif
