/*
 * Whether a message may go into a mailbox: its quota (lib/store/quota.h), that
 * of its domain (lib/store/quota_domain.h), and what follows from them: the
 * refusal in the administrator's words, warnings to the user, and what authd
 * is told.
 */
#ifndef DELIVER_ADMIT_H
#define DELIVER_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "deliver/mailbox.h"
#include "lib/base/outcome.h"
#include "lib/base/settings.h"
#include "lib/store/quota.h"
#include "lib/store/quota_domain.h"
#include "lib/store/quota_warning.h"

/* As set. */
struct admit_config {
	struct quota_rules rules;
	uint64_t           code; /* 452: tried again, 552: returned */
	const char        *text;
	const char        *warning_file; /* "": the text that is built in */
};

extern struct admit_config admit_config;

#define ADMIT_SETTINGS                                                                                                     \
	QUOTA_SETTINGS(admit_config.rules),                                                                                \
	{"quota_grace", SETTING_TEXT, "10%", "how far the last message may go past the limit: a size, or a part of it",    \
	    &admit_config.rules.grace_text, 0, 0},                                                                         \
	QUOTA_WARNING_SETTINGS(admit_config.rules, admit_config.warning_file),                                             \
	{"over_quota_code", SETTING_NUMBER, "452", "what becomes of a full mailbox's mail: 452 waits, 552 is returned",    \
	    &admit_config.code, 452, 552},                                                                                 \
	{"over_quota_text", SETTING_TEXT, "Mailbox full", "the text for the sender then", &admit_config.text, 0, 0}

/* Understands the settings, before the confinement. False, logged: a mistake that must be mended. */
bool admit_prepare(void);

#define USER_MOST 255 /* as authd keeps */

struct admission {
	struct quota        quota;
	struct quota_domain domain;
	char                user[USER_MOST + 1]; /* cut when it is longer: then authd is told nothing */
	struct quota_amount size;      /* taken */
	bool                in_domain; /* there is a domain's file */
	bool                taken;
	bool                named;     /* the user fits */
};

/* The Maildir is open, and stays until admit_end(), as `*a` does in its place. */
void admit_begin(struct admission *a, const struct mailbox *mailbox, const struct maildir *m, int mail_root);
/* Before it is written: whether `size` bytes would fit into the folder. Done, or the refusal (4.2.2 or 5.2.2). */
struct outcome admit_check(struct admission *a, struct slice folder, uint64_t size);
/* When it lies in tmp/: takes room for it. Done, or the refusal. */
struct outcome admit_take(struct admission *a, struct slice folder, uint64_t size);
/* It is in its place, or (not `saved`) it is not and its room is given back. */
void admit_placed(struct admission *a, struct slice folder, bool saved);
/* Tells authd when something was counted, and closes. */
void admit_end(struct admission *a, struct mailbox_client *authd);

#endif
