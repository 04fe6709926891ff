/* Handing a message in over queue/submit, waiting for each answer: for postern-sendmail, the bouncer and deliver. */
#ifndef IPC_SUBMIT_H
#define IPC_SUBMIT_H

#include <stdbool.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"
#include "lib/ipc/packet.h"

struct submission {
	int            fd; /* -1: none */
	struct packet  packet;
	struct outcome trouble; /* the first; later calls do nothing */
	char           id[32];  /* after open: the queue id */
};

/* Connects. Trouble is told by submit_commit() at the latest, or looked for in s->trouble. */
void submit_begin(struct submission *s);
/* The sender and some key=value; NULL behind the last. */
void submit_mail(struct submission *s, struct slice sender, const char *const *keys);
void submit_rcpt(struct submission *s, struct slice address);
/* The same with some key=value; NULL behind the last. */
void submit_rcpt_with(struct submission *s, struct slice address, const char *const *keys);
/* The envelope is complete. */
void submit_open(struct submission *s);
void submit_data(struct submission *s, struct slice bytes);
/* Done: it is durable, and another message may begin with submit_mail(). */
struct outcome submit_commit(struct submission *s);
void submit_end(struct submission *s);

#endif
