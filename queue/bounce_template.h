/*
 * The words of notifications, as the administrator wants them: a file of
 * sections, one for each kind of letter, in UTF-8.
 *
 *   [failure]
 *   Subject: Undelivered mail returned to sender
 *   From: Mail Delivery System
 *
 *   This is the mail system of $hostname.
 *   ...
 *   $recipients
 *
 * Lines that begin with # before the first section and between a section's name
 * and its empty line are remarks. A section that is not there has the words
 * that are built in.
 */
#ifndef QUEUE_BOUNCE_TEMPLATE_H
#define QUEUE_BOUNCE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

#define TEMPLATE_MOST 65536 /* of the file */

enum template_kind {
	TEMPLATE_FAILURE,
	TEMPLATE_DELAY,
	TEMPLATE_SUCCESS,
	TEMPLATE_POSTMASTER, /* a message without a sender failed */
	TEMPLATE_KINDS,
};

/* What a template may name. */
enum template_word {
	WORD_HOSTNAME,
	WORD_QUEUE_ID,
	WORD_SENDER,
	WORD_ARRIVAL,    /* a date */
	WORD_DELAY,      /* how long the message has waited: "4h" */
	WORD_DELAY_HOURS,
	WORD_LIFE,       /* how long it may, the setting queue_life: "5d" */
	WORD_LIFE_DAYS,
	WORD_RECIPIENTS, /* the list. Where it is absent the list comes last */
	WORD_MORE,       /* how many the list does not name */
	WORD_DOLLAR,     /* $$ */
	TEMPLATE_WORDS,
};

/* The fields of a section; all but Subject are the same in every kind when nothing is said. */
enum template_field {
	FIELD_SUBJECT,
	FIELD_FROM,      /* a name, the address is MAILER-DAEMON@hostname */
	FIELD_MORE,      /* the line below a list that does not name all */
	FIELD_DELIVERED, /* below an address: what the word means that became of it */
	FIELD_RELAYED,
	FIELD_EXPANDED,
	TEMPLATE_FIELDS,
};

struct bounce_template {
	struct slice field[TEMPLATE_FIELDS];
	struct slice text;
};

struct bounce_templates {
	struct bounce_template of[TEMPLATE_KINDS];
};

struct template_fault {
	size_t       line;
	const char  *why;
};

/* The words that are built in. */
void bounce_templates_begin(struct bounce_templates *t);
/*
 * Reads a file over what is there. `text` must stay as long as `*t` is used.
 * False leaves `*t` as it was and says what is wrong, and where.
 */
bool bounce_templates_parse(struct bounce_templates *t, struct slice text, struct template_fault *fault);

/*
 * Takes the next part of a template's text from `*rest`: true with a piece of
 * text (`*word` is TEMPLATE_WORDS) or with a word and an empty piece. False at
 * the end. A $ that names nothing is text; bounce_templates_parse() refuses it.
 */
bool bounce_template_next(struct slice *rest, struct slice *piece, enum template_word *word);

#endif
