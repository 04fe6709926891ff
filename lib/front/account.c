#include "lib/front/account.h"

#include <errno.h>

#include "lib/front/tally.h"

/* What goes into this folder counts for the domain. */
static bool
is_shared(const struct account *a, struct slice folder)
{
	return a->domain.open && quota_rules_count(a->quota.rules, folder);
}

static int64_t
signed_of(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* The domain's file is locked around a change of the user's own, which a count of the domain reads. */
static void
enter_domain(struct account *a, struct slice folder)
{
	if (is_shared(a, folder))
		quota_held_enter(&a->domain, NULL);
}

bool
account_check(struct account *a, struct slice folder, struct quota_amount size)
{
	if (quota_check(&a->quota, folder, size) == QUOTA_OVER)
		return false;
	if (!is_shared(a, folder))
		return true;
	bool fits = quota_held_enter(&a->domain, &size) == QUOTA_FITS;
	quota_held_leave(&a->domain, 0, 0);
	return fits;
}

bool
account_take(struct account *a, struct slice folder, struct quota_amount size)
{
	if (is_shared(a, folder) && quota_held_enter(&a->domain, &size) == QUOTA_OVER)
		return false;
	bool fits = quota_take(&a->quota, folder, size) == QUOTA_FITS;
	quota_held_leave(&a->domain, fits ? signed_of(size.bytes) : 0, fits ? signed_of(size.messages) : 0);
	return fits;
}

void
account_give(struct account *a, struct slice folder, struct quota_amount size)
{
	enter_domain(a, folder);
	quota_give(&a->quota, folder, size);
	quota_held_leave(&a->domain, -signed_of(size.bytes), -signed_of(size.messages));
}

void
account_came(struct account *a, struct slice folder, struct quota_amount size)
{
	enter_domain(a, folder);
	quota_came(&a->quota, folder, size);
	quota_held_leave(&a->domain, signed_of(size.bytes), signed_of(size.messages));
}

void
account_done(struct account *a, struct slice folder, struct quota_amount gone)
{
	int saved = errno;
	if (gone.messages > 0)
		account_give(a, folder, gone);
	quota_done(&a->quota);
	if (quota_counts(&a->quota) && a->quota.file.known)
		tally_usage(a->tally, a->quota.file.used.bytes, a->quota.file.used.messages);
	errno = saved;
}
