/*
 * A message in seven bits, for a server that takes no others (RFC 6152 section
 * 3, RFC 3030 section 3): parts with bytes beyond ASCII, or with what is no
 * text at all, become quoted-printable or base64, parts within parts and
 * messages within messages too. It is fed twice, each time with whatever pieces
 * the file gives: first it looks what each part needs, then it writes. What is
 * kept does not grow with the message: one byte a part (BUDGET_MIME_PARTS), one
 * boundary a level (BUDGET_MIME_NESTING), the start of one line.
 *
 * What is text without any MIME gets a Content-Type with the charset
 * unknown-8bit (RFC 1428). Bytes beyond ASCII between parts, which no reader
 * shows, become '?'. Those in headers stay: facts.header tells of them.
 *
 * With `eight_stays` it is for a store whose lines are text: only what holds a
 * NUL, a bare CR or LF or too long a line is encoded, and nothing is declared
 * binary any more (RFC 3516 section 6).
 */
#ifndef MAIL_SEVEN_BIT_H
#define MAIL_SEVEN_BIT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/mail/boundary.h"
#include "lib/mail/budget.h"
#include "lib/mail/transfer.h"

#define SEVEN_LINE_MOST 1024 /* of a line that are looked at before it is passed on */

/* What was seen by looking. */
struct seven_facts {
	bool        eight;    /* bytes beyond ASCII */
	bool        header;   /* some of them in a header, the message's or a part's */
	bool        binary;   /* a NUL, a bare CR or LF, a line of more than 998 bytes; for binary messages only */
	bool        changes;  /* something is to be written otherwise than it is */
	const char *obstacle; /* why some part can be written in no other way; NULL: all can */
};

struct seven_bit {
	bool                  binary;  /* lines end in CRLF only, all else is data; not set: a bare CR or LF is a line end */
	bool                  eight_stays; /* set behind seven_bit_look() */
	bool                  writing;
	struct transfer_taker taker;
	struct seven_facts    facts;
	unsigned char         plans[BUDGET_MIME_PARTS]; /* of each part, in order */
	size_t                parts;
	size_t                part;    /* the one whose lines are read */
	struct boundaries     boundaries;
	/* The header that is read. */
	bool                  in_header, is_message, in_digest, has_type, has_version, captures, drops;
	struct str            fields;  /* its Content-Type and Content-Transfer-Encoding */
	/* The body that is read. */
	bool                  between; /* it is none: before, between and behind parts */
	bool                  is_text, is_closed_type, is_plain, is_declared, says_binary; /* text; may bear no encoding; has none yet; says 8bit or binary */
	bool                  nul, bare;
	size_t                bytes, eight, longest;
	bool                  line_end_held; /* it may belong to a boundary */
	struct transfer       transfer;
	/* The line that is read. */
	enum { SEVEN_AT_START, SEVEN_HEADER_LINE, SEVEN_BODY_LINE, SEVEN_DONE_LINE } line;
	bool                  cr;
	size_t                line_len, head_len;
	char                  head[SEVEN_LINE_MOST];
};

/* Begins to look. */
void seven_bit_look(struct seven_bit *s, bool binary);
/* Begins to write what was looked at, when there was no obstacle; may be begun again. All lines that it writes end in CRLF. */
void seven_bit_write(struct seven_bit *s, struct transfer_taker taker);
void seven_bit_feed(struct seven_bit *s, struct slice bytes);
/* The message ends. */
void seven_bit_end(struct seven_bit *s);
/* Gives memory back; not needed between two messages. */
void seven_bit_free(struct seven_bit *s);

#endif
