/* SORT's criteria (RFC 5256 section 3, RFC 5957). */
#ifndef IMAPD_PARSE_SORT_H
#define IMAPD_PARSE_SORT_H

#include "imapd/parse.h"

#define SORT_MOST 16 /* criteria of one command */

enum sort_kind {
	SORT_ARRIVAL, /* numbers */
	SORT_DATE,
	SORT_SIZE,
	SORT_CC,      /* texts */
	SORT_FROM,
	SORT_TO,
	SORT_DISPLAY_FROM,
	SORT_DISPLAY_TO,
	SORT_SUBJECT,
};

struct sort_criterion {
	enum sort_kind kind;
	bool           reverse;
};

struct sort_criteria {
	struct sort_criterion list[SORT_MOST];
	size_t                count;
};

/* "(REVERSE DATE SUBJECT)" */
bool parse_sort(struct parser *p, struct sort_criteria *criteria);

#endif
