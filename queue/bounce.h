/*
 * A notification: multipart/report (RFC 6522) with a message/delivery-status
 * (RFC 3464) for programs and a text for people (bounce_template.h), and the
 * message that it speaks of, or its header. One letter tells of all recipients
 * of a message of which something is to be told now, each with its own action.
 *
 * Nothing that another host or a client said can end a line or a part: what is
 * no text becomes '?', long lines are folded, and what is returned is encoded
 * where it is not fit for a 7-bit way.
 */
#ifndef QUEUE_BOUNCE_H
#define QUEUE_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "queue/bounce_template.h"
#include "queue/file.h"
#include "queue/report.h"

#define BOUNCE_RETURNED_MOST (4u << 20)  /* of a message that is returned whole: the setting bounce_size goes up to this */
#define BOUNCE_MOST          (32u << 20) /* what a letter may become, whatever is put in: see PEOPLE_MOST, PROGRAMS_MOST */

struct bounce {
	const struct queue_file       *file; /* the message; of which recipients is told, report_of() says */
	const struct bounce_templates *templates;
	const char                    *hostname;
	struct slice                   to;            /* who gets it */
	bool                           to_postmaster; /* because the sender is null */
	bool                           late;          /* those that wait are told of */
	struct slice                   returned;      /* of the message: all of it, or the header */
	bool                           whole;
	int64_t                        now, attempted; /* seconds since 1970; attempted: the last one */
	uint64_t                       life;           /* seconds that a message may wait */
};

/* The letter needs SMTPUTF8: the address of who gets it does (RFC 6533 section 4). All others get a letter in 7 bits. */
bool bounce_needs_utf8(const struct bounce *b);
/* It needs 8BITMIME: it does SMTPUTF8, or what is returned whole has 8 bits and may not be encoded. */
bool bounce_needs_8bit(const struct bounce *b);
/* Appends the letter, with CRLF. False when there is no memory or it would pass the limit of `into`. */
bool bounce_compose(struct str *into, const struct bounce *b);

/* --- its parts: bounce_text.c, bounce_status.c, bounce_returned.c ------------------------- */

/* The kind of letter: what is worst of what it tells. */
enum template_kind bounce_kind(const struct bounce *b);
/* The part of the text with its MIME header. */
void bounce_add_text(struct str *s, const struct bounce *b);
/* A template's line with its words filled in, for the letter's header; replaces the content. */
void bounce_fill(struct str *into, const struct bounce *b, struct slice line);
/* The part for programs with its MIME header. */
void bounce_add_status(struct str *s, const struct bounce *b);
/* What comes back, with its MIME header. */
void bounce_add_returned(struct str *s, const struct bounce *b);

/* Appends `text` as one line of text: what is no UTF-8, and every control, becomes '?'; without `utf8` all that is not ASCII. */
void bounce_clean(struct str *into, struct slice text, bool utf8);
/* "Name: Sat, 21 Nov 2026 ..." */
void bounce_add_date(struct str *s, const char *name, int64_t when);

#endif
