/* Arguments of GETMETADATA and SETMETADATA (RFC 5464), and LIST's METADATA (RFC 9590). */
#ifndef IMAPD_PARSE_METADATA_H
#define IMAPD_PARSE_METADATA_H

#include "imapd/parse.h"
#include "lib/store/metadata.h"

#define METADATA_NAMES_MOST 100 /* of one command */

/* "/private/comment" */
struct metadata_name {
	struct slice asked; /* as the client has it */
	bool         shared;
	struct slice name;  /* behind the scope; empty: the scope itself, for all that is in it */
};

struct metadata_names {
	struct metadata_name *names; /* scratch memory */
	size_t                count;
};

enum metadata_depth { METADATA_ITSELF, METADATA_CHILDREN, METADATA_ALL };

struct metadata_request {
	struct slice          mailbox; /* as the client has it; "": the account */
	bool                  limited;
	uint64_t              most;    /* bytes of a value that is told */
	enum metadata_depth   depth;
	struct metadata_names names;
};

/* entry / "(" entry *(SP entry) ")" */
bool parse_metadata_names(struct parser *p, struct metadata_names *names);
/* Options stand before the mailbox (RFC 5464 section 5), or, as its examples have them, behind it. */
bool parse_getmetadata(struct parser *p, struct metadata_request *r);
/* At most METADATA_NAMES_MOST changes, in scratch memory. */
bool parse_setmetadata(struct parser *p, struct slice *mailbox, struct metadata_change **changes, size_t *count);

#endif
