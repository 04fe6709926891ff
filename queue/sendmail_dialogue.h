/* Within sendmail -bs: the conversation, of which one file has the envelope and the other the message. */
#ifndef QUEUE_SENDMAIL_DIALOGUE_H
#define QUEUE_SENDMAIL_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/stream.h"
#include "lib/ipc/submit.h"
#include "lib/mail/address.h"
#include "lib/mail/parameters.h"

struct dialogue {
	struct input           in;
	struct output          out;
	const char            *hostname;
	struct parameter_facts facts;
	struct submission      submission;
	bool                   has_sender, over;
	struct address         sender;
	struct mail_parameters said;
	size_t                 recipients;
	struct str             accepted; /* of each: address, notify=, orcpt= ("" when not said), a NUL behind each */
};

/* Forgets the envelope. */
void dialogue_reset(struct dialogue *d);
/* The verb DATA. */
void dialogue_data(struct dialogue *d, struct slice rest);

#endif
