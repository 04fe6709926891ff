/*
 * The milter protocol, versions 2 to 6, as a mail server speaks it with one
 * filter (libmilter, which Debian's filters link, speaks the other side). There
 * is no RFC: packets are a length of four bytes, a command byte, and data.
 *
 * A filter is another program: what it sends is held against what was agreed
 * with it and against bounds. After the first thing that does not fit it is
 * broken and not spoken to again; what that means for the mail is the caller's.
 */
#ifndef FILTER_MILTER_H
#define FILTER_MILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/base/stream.h"
#include "lib/filter/verdict.h"

/* Steps that have macros, by their numbers in the protocol; `unknown` has none there. */
enum milter_step {
	MILTER_CONNECT,
	MILTER_HELO,
	MILTER_MAIL,
	MILTER_RCPT,
	MILTER_DATA,
	MILTER_END,
	MILTER_END_OF_HEADER,
	MILTER_STEPS,
};

/* What a filter may do to a message at its end, agreed on at the start. */
enum milter_may {
	MILTER_MAY_ADD_FIELDS = 0x01,
	MILTER_MAY_CHANGE_BODY = 0x02,
	MILTER_MAY_ADD_RECIPIENTS = 0x04,
	MILTER_MAY_DROP_RECIPIENTS = 0x08,
	MILTER_MAY_CHANGE_FIELDS = 0x10,
	MILTER_MAY_QUARANTINE = 0x20,
	MILTER_MAY_CHANGE_SENDER = 0x40,
	MILTER_MAY_ADD_RECIPIENTS_PAR = 0x80,
	MILTER_MAY_LIST_MACROS = 0x100,
};

enum milter_word {
	MILTER_CONTINUE,
	MILTER_ACCEPTED, /* no more questions about this message, or (at connect and HELO) this client */
	MILTER_REFUSED,  /* `answer` says how */
	MILTER_DISCARD,  /* take the message and throw it away */
	MILTER_SKIP,     /* no more of the body */
	MILTER_CLOSE,    /* `answer`, and the client's session ends */
	MILTER_BROKEN,   /* `trouble` says why */
};

struct milter;

/* The value of a macro, "j" or "{client_addr}"; empty: it has none, and is left out. Valid until the next call. */
typedef struct slice milter_macro(void *context, struct slice name);
/* A change that the filter wants, at the end of a message: its byte and data (changes.h). False: it is not right. */
typedef bool milter_change(void *context, char kind, struct slice data);

struct milter {
	/* Set by the caller. */
	int           command_ms, content_ms; /* to wait for an answer */
	milter_macro *macro;
	void         *context;

	uint32_t    version, may, protocol; /* as agreed */
	const char *trouble;                /* NULL: it is well */
	struct filter_answer answer;

	/* Its own. */
	struct str    macros[MILTER_STEPS]; /* the names that the filter asks for */
	bool          listed[MILTER_STEPS];
	struct str    packet;               /* one that is made, then the last reply */
	struct input  in;
	struct output out;
};

/* Agrees on the options over a connected socket. False: broken. */
bool milter_begin(struct milter *m, int fd);

/*
 * Each tells the filter of one step, if it wants to know, and gives its verdict.
 * `address` is an IP address or empty (not known). A path comes with its angle
 * brackets; parameters are separated by spaces.
 */
enum milter_word milter_connect(struct milter *m, struct slice name, struct slice address, uint16_t port);
enum milter_word milter_helo(struct milter *m, struct slice name);
enum milter_word milter_mail(struct milter *m, struct slice path, struct slice parameters);
enum milter_word milter_rcpt(struct milter *m, struct slice path, struct slice parameters);
enum milter_word milter_data(struct milter *m);
enum milter_word milter_unknown(struct milter *m, struct slice line);
/* `value` as it stands behind the colon; its line ends become LF. */
enum milter_word milter_field(struct milter *m, struct slice name, struct slice value);
enum milter_word milter_end_of_header(struct milter *m);
/* At most MILTER_BODY_MOST bytes. */
#define MILTER_BODY_MOST 65535
enum milter_word milter_body(struct milter *m, struct slice bytes);
/* `change` is called for each change, before the verdict is known. */
enum milter_word milter_end(struct milter *m, milter_change *change, void *context);

/* It says itself what stands behind a field's colon (else a space is put there, as libmilter's filters expect). */
bool milter_leads(const struct milter *m);

/* The message that was begun is given up. */
void milter_abort(struct milter *m);
/* Another client comes on the same connection. False: this filter is too old for that. */
bool milter_next_client(struct milter *m);
/* Takes leave. The caller closes the socket. */
void milter_quit(struct milter *m);
void milter_free(struct milter *m);

#endif
