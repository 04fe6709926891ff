/*
 * The parameters behind the path of MAIL and RCPT: " SIZE=1024 BODY=8BITMIME"
 * (RFC 5321 section 4.1.2, esmtp-param). What is known is in two tables, one
 * row a keyword. Of postern-smtpd and of sendmail -bs.
 */
#ifndef MAIL_PARAMETERS_H
#define MAIL_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

/* RFC 3461 sections 4.2 and 4.4: octets of the values, as they are sent. */
#define ORCPT_MOST 500
#define ENVID_MOST 100

enum body {
	BODY_7BIT, /* or not said: what comes may have eight bits all the same */
	BODY_8BITMIME,
	BODY_BINARYMIME,
};

/* What MAIL said (RFC 1870, 3030, 3461, 4954, 6152, 6531, 8689). */
struct mail_parameters {
	uint64_t  size; /* 0: not said */
	enum body body;
	bool      smtputf8;
	bool      requiretls;
	char      ret[sizeof "FULL"]; /* "FULL", "HDRS" or "": not said */
	char      envid[ENVID_MOST + 1]; /* xtext, "": not said */
};

/* What RCPT said (RFC 3461, 6533). */
struct rcpt_parameters {
	char notify[sizeof "SUCCESS,FAILURE,DELAY"]; /* "NEVER", or some of these in this order; "": not said */
	char orcpt[ORCPT_MOST + 1];                  /* "rfc822;" and xtext, say; "": not said */
};

/* What a value is judged by. */
struct parameter_facts {
	uint64_t message_size; /* the setting */
	bool     encrypted;
	bool     binarymime;   /* the setting */
	bool     esmtp;        /* EHLO was said */
	bool     smtputf8;     /* MAIL said so */
};

/* The answer to a wrong one; text NULL: nothing is wrong. */
struct parameter_problem {
	unsigned    code;
	const char *status, *text;
};

/* Reads all of what follows the path into `*said`, which is cleared before. */
struct parameter_problem mail_parameters_read(
    struct mail_parameters *said, struct slice rest, const struct parameter_facts *facts);
struct parameter_problem rcpt_parameters_read(
    struct rcpt_parameters *said, struct slice rest, const struct parameter_facts *facts);

/* --- for the tables (parameters.c) ---------------------------------------------- */

#define PARAMETER_FINE ((struct parameter_problem){0, NULL, NULL})

enum parameter_value { VALUE_NONE, VALUE_NEEDED };

struct parameter {
	const char          *keyword;
	enum parameter_value value;
	struct parameter_problem (*take)(void *said, struct slice value, const struct parameter_facts *facts);
};

/* Goes through `rest` by a table of at most 32 rows: syntax, unknown keywords, each once, a value where one belongs. */
struct parameter_problem parameters_read(
    const struct parameter *table, size_t rows, void *said, struct slice rest, const struct parameter_facts *facts);
/* A right value that is wrong by its own rules: 501 5.5.4. */
struct parameter_problem parameter_wrong(const char *text);

enum parameter_result {
	PARAMETER_OK,
	PARAMETER_NONE,  /* no more */
	PARAMETER_WRONG, /* not a parameter */
};

/* Takes the next one from `*rest`. `value` has data NULL when there was no "=". */
enum parameter_result parameter_next(struct slice *rest, struct slice *keyword, struct slice *value);

#endif
