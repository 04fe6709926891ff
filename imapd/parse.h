/*
 * The tokens of IMAP's grammar (RFC 3501 section 9), read from one gathered
 * command. Each function takes its token and returns true, or sets `error` to
 * what was wrong (for the BAD) and returns false. Texts point into the command,
 * quoted strings with escapes into scratch memory.
 */
#ifndef IMAPD_PARSE_H
#define IMAPD_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "imapd/scratch.h"
#include "lib/base/cursor.h"
#include "lib/mail/date.h"

struct parser {
	struct cursor   c;
	struct scratch *scratch;
	const char     *error; /* NULL while all is well */
	bool            utf8;  /* folders' names come in UTF-8 (ENABLE) */
};

struct parser parser_over(struct slice command, struct scratch *scratch);

/* Sets the error (the first one stays) and returns false. */
bool parse_fail(struct parser *p, const char *error);

bool parse_space(struct parser *p);
/* Nothing may follow. */
bool parse_end(struct parser *p);
/* Takes `byte` when it comes next; otherwise takes nothing and is no error. */
bool parse_maybe(struct parser *p, char byte);
bool parse_byte(struct parser *p, char byte);
/* Takes the word when it comes next as a whole atom; no error otherwise. */
bool parse_word(struct parser *p, const char *word);

bool parse_tag(struct parser *p, struct slice *tag);
bool parse_atom(struct parser *p, struct slice *atom);
bool parse_string(struct parser *p, struct slice *text);  /* quoted or literal */
bool parse_nstring(struct parser *p, struct slice *text); /* or NIL: data NULL */
bool parse_astring(struct parser *p, struct slice *text);
bool parse_list_mailbox(struct parser *p, struct slice *pattern); /* with wildcards */
bool parse_number(struct parser *p, uint64_t most, uint64_t *number);
bool parse_nz_number(struct parser *p, uint64_t most, uint64_t *number); /* 1 and more, without a leading zero */
/* "system flag" or keyword: "\Seen", "$Forwarded". */
bool parse_flag(struct parser *p, struct slice *flag);
/* "(" [flag *(SP flag)] ")"; with `bare`, flags without parentheses too (STORE). At most `most` of them. */
bool parse_flag_list(struct parser *p, bool bare, struct slice *flags, size_t most, size_t *count);
/* date-time, in quotes: "01-Feb-2026 10:00:00 +0000". */
bool parse_date_time(struct parser *p, struct date *date);
/* date ("1-Feb-2026", quoted or not): days since 1970-01-01. */
bool parse_date(struct parser *p, int64_t *day);
/* What follows ID (RFC 2971): SP NIL or SP a list of names and values. `*client`: the value of "name", or data NULL. */
bool parse_id(struct parser *p, struct slice *client);
/* A literal whose bytes are not in the command: "{N}" at its end; "~{N}" is a literal8 (RFC 3516). */
bool parse_streamed_literal(struct parser *p, bool *eight);

#endif
