#include "deliver/admit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/address.h"

struct admit_config admit_config;

/* --- as set ------------------------------------------------------------------------- */

bool
admit_prepare(void)
{
	if (admit_config.code != 452 && admit_config.code != 552) {
		log_error("setting-wrong", log_text("setting", "over_quota_code"), log_text("hint", "write 452 or 552"));
		return false;
	}
	return quota_rules_read(&admit_config.rules) && warning_prepare(admit_config.warning_file);
}

static struct outcome
refuse(const struct admission *a, const char *whose)
{
	const struct quota_file *f = a->in_domain && whose[0] == 'd' ? &a->domain.file : &a->quota.file;
	log_info("over-quota", log_text("user", a->user), log_text("quota", whose), log_number("bytes", (int64_t)f->used.bytes),
	    log_number("messages", (int64_t)f->used.messages), log_number("limit", (int64_t)f->limits.bytes));
	return outcome_make(admit_config.code >= 500 ? "5.2.2" : "4.2.2", "%s", admit_config.text);
}

/* --- a message ------------------------------------------------------------------------ */

static struct slice
domain_of(const char *user)
{
	struct slice local, domain;
	address_split(slice_of(user), &local, &domain);
	return domain;
}

void
admit_begin(struct admission *a, const struct mailbox *mailbox, const struct maildir *m, int mail_root)
{
	bool shared = mailbox->domain_limit > 0;
	*a = (struct admission){.domain = {.directory = -1}};
	snprintf(a->user, sizeof a->user, "%s", mailbox->user);
	a->named = strlen(mailbox->user) < sizeof a->user;
	quota_open(&a->quota, m, mailbox->limits, &admit_config.rules, shared);
	a->quota.delivers = true;
	if (!shared)
		return;
	a->in_domain = quota_domain_open(&a->domain, mail_root, mailbox->maildir, domain_of(mailbox->user), mailbox->domain_limit,
	    &admit_config.rules);
	if (!a->in_domain)
		log_warning("domain-quota-unknown", log_text("user", mailbox->user), log_text("maildir", mailbox->maildir), log_errno(),
		    log_text("hint", "no directory of the Maildir's path has the domain's name: its quota counts at RCPT only"));
}

/* The last message's grace is of the domain's quota as well. */
static struct quota_beyond
beyond_domain(const struct admission *a)
{
	return (struct quota_beyond){.last = quota_part_of(&admit_config.rules.grace, a->domain.file.limits.bytes)};
}

/* What goes into this folder counts for the domain. */
static bool
is_shared(const struct admission *a, struct slice folder)
{
	return a->in_domain && quota_rules_count(&admit_config.rules, folder);
}

static void
give_to_domain(struct admission *a, struct slice folder)
{
	if (!is_shared(a, folder))
		return;
	quota_file_add(&a->domain.file, -(int64_t)a->size.bytes, -1);
	quota_file_leave(&a->domain.file);
}

struct outcome
admit_check(struct admission *a, struct slice folder, uint64_t size)
{
	const struct quota_amount one = {size, 1};
	struct quota_beyond b = beyond_domain(a);
	if (!quota_counts(&a->quota))
		return outcome_done();
	if (quota_check(&a->quota, folder, one) == QUOTA_OVER)
		return refuse(a, "mailbox");
	if (is_shared(a, folder) && quota_file_check(&a->domain.file, one, &b) == QUOTA_OVER)
		return refuse(a, "domain");
	return outcome_done();
}

struct outcome
admit_take(struct admission *a, struct slice folder, uint64_t size)
{
	struct quota_beyond b = beyond_domain(a);
	a->size = (struct quota_amount){size, 1};
	/* The domain first: a count of it reads the user's file. */
	if (is_shared(a, folder) && quota_file_take(&a->domain.file, a->size, &b) == QUOTA_OVER)
		return refuse(a, "domain");
	a->taken = quota_take(&a->quota, folder, a->size) == QUOTA_FITS;
	if (a->taken)
		return outcome_done();
	give_to_domain(a, folder);
	return refuse(a, "mailbox");
}

void
admit_placed(struct admission *a, struct slice folder, bool saved)
{
	int saved_errno = errno;
	if (!saved && a->taken)
		quota_give(&a->quota, folder, a->size);
	if (!saved && a->taken)
		give_to_domain(a, folder);
	quota_done(&a->quota);
	if (a->in_domain)
		quota_file_leave(&a->domain.file);
	errno = saved_errno;
}

static void
tell_domain(struct admission *a, struct mailbox_client *authd)
{
	char name[ADDRESS_PATH_MOST + 2];
	struct slice domain = domain_of(a->user);
	int len = snprintf(name, sizeof name, "@%.*s", (int)domain.len, domain.data);
	if (len > 0 && (size_t)len < sizeof name)
		mailbox_tell(authd, name, a->domain.file.used);
}

void
admit_end(struct admission *a, struct mailbox_client *authd)
{
	int saved = errno;
	/* What was refused is told too: authd may have forgotten that it is full. */
	if (a->named && quota_counts(&a->quota) && a->quota.file.known)
		mailbox_tell(authd, a->user, a->quota.file.used);
	if (a->in_domain && a->domain.file.known)
		tell_domain(a, authd);
	quota_domain_close(&a->domain);
	errno = saved;
}
