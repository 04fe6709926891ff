/*
 * The quota in a row of Dovecot's user_query, as the resolver reads quotas:
 * "BYTES,MESSAGES", or what the table holds.
 *
 *     quota_rule   *:storage=5G:messages=1000   *:bytes=5368709120   (storage is in KiB without a unit)
 *     quota        maildir:storage=10240 (of Dovecot 1), or a number of bytes, or Maildir++'s 5242880S,1000C
 *     quota_bytes  a number of bytes
 */
#ifndef AUTHD_QUERY_QUOTA_H
#define AUTHD_QUERY_QUOTA_H

#include "authd/rows.h"

/* "BYTES,MESSAGES" of a rule alone, "*:storage=5G", wherever it was found. False: it has no limit in it, or is of another folder than all. */
bool query_quota_of_rule(struct slice rule, struct str *value);
/* False: the row says nothing of the whole mailbox. A rule that cannot be read is the value as it stands. */
bool query_quota_of_row(struct slice row, struct str *value);

#endif
