/* LIST's arguments: RFC 5258; STATUS: RFC 5819; SPECIAL-USE: RFC 6154; METADATA: RFC 9590. */
#ifndef IMAPD_PARSE_LIST_H
#define IMAPD_PARSE_LIST_H

#include "imapd/parse.h"
#include "imapd/parse_metadata.h"
#include "imapd/status.h"

#define LIST_PATTERNS_MOST 100 /* of one command */

struct list_request {
	bool          extended; /* more was said than a reference and a pattern */
	struct slice  reference;
	struct slice *patterns; /* scratch memory */
	size_t        count;
	/* Which folders. */
	bool select_subscribed, select_use, recursive;
	bool remote; /* there are none, so it changes nothing */
	/* What is told of them. */
	bool tell_subscribed, tell_children, tell_use, tell_status, tell_metadata;
	struct status status;
	struct metadata_names metadata;
};

bool parse_list(struct parser *p, struct list_request *r);

#endif
