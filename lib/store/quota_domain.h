/*
 * What all mailboxes of a domain may hold together: a file `domainsize` in the
 * form of maildirsize in the domain's directory. That is the level of a
 * Maildir's path that is named as the domain is (example.org/anna/Maildir/,
 * vhosts/example.org/anna/): the Maildirs beneath it are the domain's. Where
 * there is no such level a domain has no sum here.
 *
 * Deliveries take room in it before they take it in the user's own file, which
 * a count of the domain reads. Sessions cannot reach
 * it; what they add and remove is seen when it is counted anew, after
 * 15 minutes at the latest, and when there has seemed to be no room for some
 * seconds. To count
 * is to read the maildirsize of each Maildir; one without is counted itself.
 */
#ifndef STORE_QUOTA_DOMAIN_H
#define STORE_QUOTA_DOMAIN_H

#include "lib/store/quota_file.h"
#include "lib/store/quota_rules.h"

#define QUOTA_DOMAIN_DOUBT 5 /* seconds */
#define QUOTA_DOMAIN_DEPTH 5 /* levels beneath the domain's directory in which Maildirs are looked for */

struct quota_domain {
	struct quota_file         file; /* quota_file_take() and the others take and give room */
	const struct quota_rules *rules;
	int                       directory; /* -1: there is none */
};

/*
 * Opens the directory of `domain` in the path of one of its Maildirs, beneath
 * `mail_root`, never through a link. False (nothing to close): there is no
 * such level, or it cannot be opened (errno; ENOENT).
 */
bool quota_domain_open(struct quota_domain *d, int mail_root, const char *path, struct slice domain, uint64_t most,
    const struct quota_rules *rules);
void quota_domain_close(struct quota_domain *d);

#endif
