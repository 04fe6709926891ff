/* What postern-remote is told of a message and of its recipients beside the addresses (RFC 3461, 6531, 8689, 3030). */
#ifndef QUEUE_OUTWARD_KEYS_H
#define QUEUE_OUTWARD_KEYS_H

#include "lib/base/str.h"
#include "queue/file.h"

#define OUTWARD_KEYS_MOST 640 /* of one recipient; what would be longer is left out */

/* "body=8BITMIME envid=..." Replaces the content. */
void outward_message_keys(struct str *into, const struct queue_file *f);
/* "notify=... orcpt=..." as the sender of the original recipient gave them; an ORCPT of that address when there was none. */
void outward_recipient_keys(struct str *into, const struct queue_file *f, const struct file_recipient *r);
/* How long those are at most, without making them. */
size_t outward_keys_room(const struct queue_file *f, const struct file_recipient *r);

#endif
