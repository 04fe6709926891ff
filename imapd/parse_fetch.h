/* What FETCH asks for (RFC 3501 section 6.4.5), as a list in scratch memory. */
#ifndef IMAPD_PARSE_FETCH_H
#define IMAPD_PARSE_FETCH_H

#include "imapd/parse.h"
#include "imapd/partial.h"

#define FETCH_ITEMS_MOST   200
#define SECTION_NAMES_MOST 200 /* header names of one section */

enum fetch_kind {
	FETCH_FLAGS,
	FETCH_UID,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_ENVELOPE,
	FETCH_MODSEQ,        /* RFC 7162 */
	FETCH_SAVEDATE,      /* RFC 8514 */
	FETCH_EMAILID,       /* RFC 8474 */
	FETCH_THREADID,
	FETCH_PREVIEW,       /* RFC 8970 */
	FETCH_BODY,          /* the structure without its extensions */
	FETCH_BODYSTRUCTURE,
	FETCH_SECTION,       /* BODY[...] and RFC822, RFC822.HEADER, RFC822.TEXT */
	FETCH_BINARY,        /* RFC 3516 */
	FETCH_BINARY_SIZE,
};

enum section_text { SECTION_ALL, SECTION_HEADER, SECTION_FIELDS, SECTION_FIELDS_NOT, SECTION_TEXT, SECTION_MIME };

struct section {
	struct slice      part; /* "1.2", or empty */
	enum section_text text;
	struct slice     *names; /* of SECTION_FIELDS and SECTION_FIELDS_NOT */
	size_t            count;
};

struct fetch_item {
	enum fetch_kind    kind;
	const char        *label; /* what the answer calls it, for RFC822...; NULL: BODY[...] spelled out */
	struct section     section;
	bool               peek;    /* \Seen is not set */
	bool               listed;  /* FETCH's own: header fields that the store keeps ready */
	bool               lazy;    /* of PREVIEW */
	bool               partial;
	uint32_t           offset, length; /* of a partial fetch */
	struct fetch_item *next;
};

/* "ALL", "FLAGS", "(UID BODY.PEEK[])" ... The list is in the order of asking. */
bool parse_fetch_items(struct parser *p, struct fetch_item **items);

/* What may follow the items, in parentheses (RFC 4466). */
struct fetch_modifiers {
	bool     changed;  /* CHANGEDSINCE: only messages newer than `modseq` */
	uint64_t modseq;
	bool     vanished; /* VANISHED: those that are gone as well */
	bool     partial;  /* PARTIAL (RFC 9394): of the messages that would be told */
	struct partial part;
};

bool parse_fetch_modifiers(struct parser *p, struct fetch_modifiers *m);

/* The part of a section specification between the brackets. */
bool parse_section(struct parser *p, struct section *section);

#endif
