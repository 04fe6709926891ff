/* SETMETADATA: RFC 5464 section 4.3. */
#include "imapd/session.h"

#include <errno.h>

#include "imapd/metadata.h"

#define TEXT(number)  TEXT_(number)
#define TEXT_(number) #number

struct answer
answer_metadata_size(void)
{
	return answer_no("METADATA MAXSIZE " TEXT(METADATA_VALUE_MOST), "the value is too large");
}

/* True: *answer says why. */
static bool
is_refused(bool account, const struct metadata_change *changes, size_t count, struct answer *answer)
{
	for (size_t i = 0; i < count; i++) {
		*answer = answer_no("NOPERM", "what all users share is the administrator's to say");
		if (account && changes[i].shared)
			return true;
		*answer = answer_no("NOPERM", "what a folder is for is said when it is made");
		if (!account && !changes[i].shared && slice_is_nocase(changes[i].name, "specialuse"))
			return true;
		*answer = answer_metadata_size();
		if (changes[i].value.len > METADATA_VALUE_MOST)
			return true;
	}
	return false;
}

struct answer
cmd_setmetadata(struct session *s, struct parser *p)
{
	struct slice mailbox;
	struct metadata_change *changes;
	struct metadata_subject subject;
	struct metadata before, after;
	struct answer refusal;
	size_t count;
	if (!parse_setmetadata(p, &mailbox, &changes, &count))
		return answer_bad(p->error);
	if (is_refused(mailbox.len == 0, changes, count, &refusal))
		return refusal;
	if (!metadata_find(s, mailbox, true, &subject))
		return answer_errno("annotate");
	if (metadata_set(&s->maildir, subject.owner, changes, count, &before, &after)) {
		metadata_own_change(s, &before, &after);
		return answer_ok("done");
	}
	return errno == E2BIG ? answer_no("METADATA TOOMANY", "there are too many annotations") : answer_errno("annotate");
}
