/* GETMETADATA: RFC 5464 section 4.2. */
#include "imapd/session.h"

#include <stdio.h>

#include "imapd/metadata.h"

/* "METADATA LONGENTRIES n" */
static const char *
long_entries(struct session *s, size_t longest)
{
	char code[64];
	snprintf(code, sizeof code, "METADATA LONGENTRIES %zu", longest);
	return scratch_copy(&s->scratch, slice_of(code));
}

struct answer
cmd_getmetadata(struct session *s, struct parser *p)
{
	struct metadata_request r;
	struct metadata_subject subject;
	struct metadata d;
	size_t longest = 0;
	if (!parse_getmetadata(p, &r))
		return answer_bad(p->error);
	if (!metadata_find(s, r.mailbox, false, &subject) || !metadata_read(&d, &s->maildir))
		return answer_errno("read annotations");
	metadata_tell(s, &d, &subject, &r, &longest);
	metadata_free(&d);
	return longest > 0 ? answer_ok_code(long_entries(s, longest), "done, without what is too long") : answer_ok("done");
}
