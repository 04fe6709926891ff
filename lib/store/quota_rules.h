/*
 * What the administrator says of quotas beside the limits, as deliver and the
 * sessions read it (QUOTA_SETTINGS in their tables; quota_rules_read() after).
 *
 *     quota_folders   Trash uncounted
 *                     Spam +100M
 *                     Archive +10%,500
 *
 * A folder's row is for those beneath it too; its name is as on the disk
 * (modified UTF-7). All that read one Maildir must say the same: Dovecot's
 * words for these are Trash:ignore, Spam:storage=+100M.
 */
#ifndef STORE_QUOTA_RULES_H
#define STORE_QUOTA_RULES_H

#include "lib/base/settings.h"
#include "lib/store/quota_file.h"

#define QUOTA_FOLDERS_MOST  32
#define QUOTA_WARNINGS_MOST 16

/* Bytes, or a part of the limit. */
struct quota_part {
	uint64_t amount;
	bool     percent;
};

struct quota_folder {
	struct slice      name;
	bool              uncounted;
	struct quota_part bytes; /* what may be beyond the limit here */
	uint64_t          messages;
};

struct quota_rules {
	/* The settings; read them with those of the program. */
	const char *folders_text;
	const char *grace_text;    /* NULL: no grace */
	const char *warnings_text; /* NULL: no warnings */

	struct quota_folder folders[QUOTA_FOLDERS_MOST];
	size_t              count;
	struct quota_part   grace;
	unsigned            warnings[QUOTA_WARNINGS_MOST]; /* percent, ascending */
	size_t              warning_count;
};

#define QUOTA_SETTINGS(rules)                                                                                      \
	{"quota_folders", SETTING_TEXT, "", "folders with a quota of their own: NAME uncounted, or NAME +SIZE", \
	    &(rules).folders_text, 0, 0}

/* Understands the texts, which must stay. False: a mistake, logged with what to write. */
bool quota_rules_read(struct quota_rules *r);

/* The row for a folder, or NULL. */
const struct quota_folder *quota_rules_of(const struct quota_rules *r, struct slice folder);
bool quota_rules_count(const struct quota_rules *r, struct slice folder);
/* In bytes. */
uint64_t quota_part_of(const struct quota_part *p, uint64_t limit);
/* The highest percentage of the warnings that `used` has reached; 0: none. */
unsigned quota_rules_level(const struct quota_rules *r, struct quota_amount used, struct quota_amount limits);

#endif
