/* SEARCH's program (RFC 3501 section 6.4.4) as a tree in scratch memory. */
#ifndef IMAPD_PARSE_SEARCH_H
#define IMAPD_PARSE_SEARCH_H

#include "imapd/sequence.h"

#define SEARCH_KEYS_MOST    1000 /* of one program */
#define SEARCH_NESTING_MOST 50

enum search_kind {
	SEARCH_ALL,
	SEARCH_AND,     /* all children */
	SEARCH_OR,      /* one of two children */
	SEARCH_NOT,     /* not the child */
	SEARCH_FLAG,    /* flag set */
	SEARCH_RECENT,
	SEARCH_KEYWORD,
	SEARCH_NUMBERS, /* message numbers */
	SEARCH_UIDS,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_BEFORE,  /* internal date */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_SENT_BEFORE, /* Date field */
	SEARCH_SENT_ON,
	SEARCH_SENT_SINCE,
	SEARCH_HEADER,
	SEARCH_BODY,
	SEARCH_TEXT,
};

struct search_key {
	enum search_kind    kind;
	uint8_t             flag;   /* enum message_flag */
	struct slice        name;   /* header name, keyword */
	struct slice        text;
	uint64_t            size;
	int64_t             day;    /* since 1970 */
	struct sequence_set set;
	struct search_key  *child;
	struct search_key  *next;   /* sibling */
};

/*
 * Reads "[CHARSET name] key *(SP key)". False with p->error; when the charset is
 * not known *bad_charset is set as well (the answer is NO [BADCHARSET]).
 */
bool parse_search(struct parser *p, struct search_key **program, bool *bad_charset);

#endif
