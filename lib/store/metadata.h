/*
 * Annotations of folders and of the account (IMAP METADATA, RFC 5464), in the
 * file `dovecot-attributes` of the Maildir, in the form in which Dovecot keeps
 * its mail_attribute_dict there. Two lines an entry:
 *
 *     priv/f7b0a91ae83f086b021c000083ecc375/comment
 *     what the user has said of it
 *
 * "priv" or "shared", the folder's GUID (guid.h), the entry's name in small
 * letters; then its value. Bytes that would break a line are two: 0x01 and 0, 1,
 * t, r or n. What belongs to no folder stands under INBOX's GUID and
 * "vendor/vendor.dovecot/pvt/server/"; other names that begin with
 * "vendor/vendor.dovecot/pvt/" are Dovecot's own, and kept unseen.
 *
 * It is written anew as a whole, under Dovecot's lock `dovecot-attributes.lock`:
 *
 *     dovecot-attributes.tmp   nothing; the next writer begins it anew
 *     renamed                  all of a change is there, durable
 *
 * As entries stand under a GUID, a rename takes them along, and what is left of
 * a folder that was deleted is never another's. Anybody who may write into the
 * Maildir may have written the file; what is no entry is passed over and kept.
 */
#ifndef STORE_METADATA_H
#define STORE_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"
#include "lib/base/str.h"
#include "lib/store/guid.h"
#include "lib/store/maildir.h"

#define METADATA_NAME       "dovecot-attributes"
#define METADATA_FILE_MOST  (2u << 20) /* bytes */
#define METADATA_VALUE_MOST 32768      /* bytes of a value */
#define METADATA_ENTRY_MOST 255        /* bytes of an entry's name */
#define METADATA_COUNT_MOST 1000       /* entries of a folder, or of the account */

/* Whose: a folder's, or the account's (`guid` is INBOX's then). */
struct metadata_owner {
	struct slice guid;
	bool         account;
};

struct metadata_entry {
	struct metadata_owner owner;
	bool                  shared;
	struct slice          name;  /* "comment", without the scope */
	struct slice          value; /* as in the file */
};

struct metadata {
	char                  *text;
	size_t                 len;
	struct metadata_entry *entries; /* in order of owner, scope and name; of two of one name the later one */
	size_t                 count;
};

/* Reads the file; none is an empty one. False with errno. */
bool metadata_read(struct metadata *d, const struct maildir *m);
/* Takes `text` (malloc'ed) as the file's. False without memory; it is freed then. */
bool metadata_parse(struct metadata *d, char *text, size_t len);
void metadata_free(struct metadata *d);

/* The first of an owner's entries, `*count` of them one behind the other. */
const struct metadata_entry *metadata_of(const struct metadata *d, struct metadata_owner owner, size_t *count);
/* By owner, scope and name, for qsort(3) and merging. */
int metadata_compare(const void *a, const void *b);
/* The bytes of a value as it stands in the file. False when `into` is full. */
bool metadata_value(struct str *into, struct slice value);
/* How many they are. */
size_t metadata_value_size(struct slice value);

/* A name that may be an entry's: printable ASCII without '*', '%', empty levels or Dovecot's own prefix (RFC 5464 section 3.2). */
bool metadata_name_ok(struct slice name);

struct metadata_change {
	bool         shared;
	struct slice name;  /* in any case */
	struct slice value; /* bytes; data NULL: it is removed */
};

/*
 * All of them or none; later ones of one name win. `before` and `after`, if not
 * NULL, become what was read under the lock and what was written. False with
 * errno: E2BIG (METADATA_COUNT_MOST), EDQUOT (the file is full), EINVAL (a
 * name), ETIMEDOUT, others.
 */
bool metadata_set(const struct maildir *m, struct metadata_owner owner, const struct metadata_change *changes, size_t count,
    struct metadata *before, struct metadata *after);
/* A folder was deleted: all that stands under its GUID is removed. True as well when there was nothing. */
bool metadata_forget(const struct maildir *m, struct slice guid);

#endif
