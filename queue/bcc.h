/*
 * Copies: whom the settings always_bcc, sender_bcc and recipient_bcc add to a
 * message, once, before its first delivery. Messages of our own (bounces and
 * notices, which say where they come from) get none. STATES.md, "bcc".
 */
#ifndef QUEUE_BCC_H
#define QUEUE_BCC_H

#include "queue/manager.h"

/*
 * True: the message is to have copies and does not know its recipients yet;
 * message_advance() follows, perhaps within this call.
 */
bool bcc_begin(struct message *m);
/* Its memory. No question may be under way. */
void bcc_free(struct bcc *b);

#endif
