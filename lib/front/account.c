#include "lib/front/account.h"

#include <errno.h>

#include "lib/front/tally.h"

bool
account_take(struct account *a, struct slice folder, struct quota_amount size)
{
	return quota_take(&a->quota, folder, size) == QUOTA_FITS;
}

void
account_done(struct account *a, struct slice folder, struct quota_amount gone)
{
	int saved = errno;
	quota_give(&a->quota, folder, gone);
	quota_done(&a->quota);
	if (quota_counts(&a->quota) && a->quota.file.known)
		tally_usage(a->tally, a->quota.file.used.bytes, a->quota.file.used.messages);
	errno = saved;
}
