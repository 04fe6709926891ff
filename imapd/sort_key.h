/* What messages are sorted by (RFC 5256 sections 2 and 3, RFC 5957 section 3). */
#ifndef IMAPD_SORT_KEY_H
#define IMAPD_SORT_KEY_H

#include "imapd/parse_sort.h"
#include "imapd/session.h"

#define SORT_TEXT_MOST 1000 /* bytes of a text that are compared */

/* The first address's mailbox, or what a client displays of it, of the field's raw value, folded. False without memory. */
bool sort_address(struct str *into, struct slice value);
bool sort_display(struct str *into, struct slice value);
/* The base subject, folded. `*reply`: it is a reply or a forward. */
bool sort_subject(struct str *into, struct slice value, bool *reply);
/* When it was sent (RFC 5256 section 2.2), of the index alone. False: that does not know; sort_date() of its Date field is the same. */
bool sort_sent(struct session *s, struct message *m, int64_t *when);
/* The date of the field's value, or the internal date where that cannot be read or `date` has no data. */
int64_t sort_date(struct session *s, struct message *m, struct slice date);

#endif
