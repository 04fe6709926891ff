/* The lines of `dovecot-attributes` (metadata.h). The store's own. */
#ifndef STORE_METADATA_KEY_H
#define STORE_METADATA_KEY_H

#include "lib/store/metadata.h"

#define METADATA_HIDDEN  "vendor/vendor.dovecot/pvt/"
#define METADATA_ACCOUNT METADATA_HIDDEN "server/"

/* The next two lines, without their ends. False at the end, where a line alone may be left. */
bool metadata_next_pair(struct slice *rest, struct slice *key, struct slice *value);
/* All but the value. False: no entry, or one that is not for clients. */
bool metadata_key_parse(struct slice key, struct metadata_entry *e);
/* A value as it stands in the file. */
void metadata_escape(struct str *into, struct slice value);

#endif
