/* The warning of a quota that this session has crossed a percentage of: lib/store/quota_warning.h. */
#include "imapd/session.h"

#include "lib/store/folders.h"
#include "lib/store/quota_warning.h"
#include "lib/store/save.h"

static struct save save; /* its buffer is no matter for the stack */

void
session_warn(struct session *s)
{
	const struct quota_amount none = {0, 0};
	struct account *a = &s->account;
	if (a->quota.crossed == 0 || a->user[0] == '\0')
		return;
	warning_send(&save, &s->maildir, &a->quota, a->user);
	a->quota.crossed = 0;
	account_done(a, slice_of("INBOX"), none);
	s->view.own_change = s->view.own_change || folders_is_inbox(slice_of(s->view.name));
}
