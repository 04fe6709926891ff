/* SEARCH's program (RFC 9051 section 6.4.4, RFC 5032, 7162, 8514) as a tree in scratch memory. */
#ifndef IMAPD_PARSE_SEARCH_H
#define IMAPD_PARSE_SEARCH_H

#include "imapd/find.h"
#include "imapd/sequence.h"
#include "lib/mail/charset.h"

#define SEARCH_KEYS_MOST    1000 /* of one program */
#define SEARCH_NESTING_MOST 50

enum search_kind {
	SEARCH_ALL,
	SEARCH_AND,     /* all children */
	SEARCH_OR,      /* one of two children */
	SEARCH_NOT,     /* not the child */
	SEARCH_FLAG,    /* flag set */
	SEARCH_RECENT,
	SEARCH_NEW,
	SEARCH_KEYWORD,
	SEARCH_NUMBERS, /* message numbers */
	SEARCH_UIDS,
	SEARCH_MODSEQ,  /* at least number */
	SEARCH_EMAILID, /* RFC 8474 */
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_BEFORE,  /* internal date */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_OLDER,   /* internal date: number of seconds ago */
	SEARCH_YOUNGER,
	SEARCH_SAVED_BEFORE, /* when it came into this folder */
	SEARCH_SAVED_ON,
	SEARCH_SAVED_SINCE,
	SEARCH_THREADID,
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
	struct slice        name;   /* header name, keyword, object id */
	struct needle       *needle; /* HEADER, BODY, TEXT: what is looked for, folded (casemap.h) */
	uint64_t            number; /* bytes, seconds, mod-sequence */
	int64_t             day;    /* since 1970 */
	struct sequence_set set;
	struct search_key  *child;
	struct search_key  *next;   /* sibling */
};

/* "CHARSET name SP", or nothing: US-ASCII. `*charset` NULL: it is not known (the answer is NO [BADCHARSET]). */
bool parse_search_charset(struct parser *p, const struct charset **charset);
/* The name alone, of SORT and THREAD. */
bool parse_charset(struct parser *p, const struct charset **charset);
/* "key *(SP key)" up to the end, strings in `charset`. False with p->error. `*modseq`: a MODSEQ is among them. */
bool parse_search(struct parser *p, const struct charset *charset, struct search_key **program, bool *modseq);
/* Moves the keys of a program into the order of their cost: the cheap ones are tried first. (search_order.c) */
void search_cheap_first(struct search_key *program);

#endif
