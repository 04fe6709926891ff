/*
 * The mail that warns a user of his quota. Who makes the mailbox fuller, deliver
 * or a session by APPEND and COPY, writes it into his INBOX by itself: it goes
 * through no queue and no filter, has the null sender, is counted but never
 * refused, and is no reason for another one.
 *
 * Its text is a file in UTF-8: Subject and From (a name), an empty line, text:
 *
 *     Subject: Your mailbox is $percent % full
 *     From: Mail System
 *
 *     The mailbox $user holds $used of $limit.
 *
 * Words: $percent $user $used $limit $messages $message_limit $hostname $$.
 */
#ifndef STORE_QUOTA_WARNING_H
#define STORE_QUOTA_WARNING_H

#include <stdbool.h>

#include "lib/base/settings.h"
#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/store/quota.h"

#define WARNING_TEMPLATE_MOST 65536

/* Both must be read by all that warn. `rules`: quota_rules_read() understands the percentages; `file`: for warning_prepare(). */
#define QUOTA_WARNING_SETTINGS(rules, file)                                                                                  \
	{"quota_warnings", SETTING_TEXT, "", "percentages of the quota at which the user gets a warning: 80 95",             \
	    &(rules).warnings_text, 0, 0},                                                                                   \
	{"quota_warning_template", SETTING_TEXT, "", "file with the text of such a warning (default: one that is built in)", \
	    &(file), 0, 0}

struct warning_template {
	struct slice subject, from, text;
};

/* What the words mean. */
struct warning_facts {
	const char         *user;
	unsigned            percent;
	struct quota_amount used, limits;
};

/* Reads the template ("": the one that is built in), before the confinement. False, logged. */
bool warning_prepare(const char *file);
/* Understands one; it points into `text`. NULL, or what is wrong. */
const char *warning_parse(struct slice text, struct warning_template *t);
/* Appends the message, lines ending in LF. False when there is no memory. */
bool warning_compose(struct str *into, const struct warning_template *t, const struct warning_facts *f);

struct save;
/* Writes it into INBOX, durable. Trouble is logged and nothing else: the mail that was the reason is delivered. */
void warning_send(struct save *s, const struct maildir *m, struct quota *q, const char *user);

#endif
