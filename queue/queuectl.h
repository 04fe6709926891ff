/* The verbs of postern-queuectl: what the words of its command line say, and who does it. */
#ifndef QUEUE_QUEUECTL_H
#define QUEUE_QUEUECTL_H

#include "queue/control_client.h"
#include "queue/control_filter.h"

struct request {
	const char  *program;
	struct filter filter;
	bool         all;      /* the word "all" */
	bool         dry;      /* -n */
	bool         json, message; /* of show, and of ages */
	bool         by_sender;     /* of ages */
	const char  *text;     /* of fail */
	const char  *next_hop; /* of flush */
	const char  *age;      /* of expire, as it was written */
	const char  *relay_host; /* the setting */
};

/* A verb that is an order of the same name to the manager. */
struct order_words {
	const char *verb;
	const char *done;         /* "1 message is held" */
	const char *none;         /* behind an id that it was not done to */
	bool        patient;      /* it is done to what waits only: what is at work is held and waited for */
};

/* Each returns the exit code. */
int queuectl_order(struct control *c, const struct request *r, const struct order_words *w);
int queuectl_show(struct control *c, const struct request *r);
int queuectl_ages(struct control *c, const struct request *r);

/* The next hop of recipients, asked of authd. A recipient's mail goes to `next_hop`? */
struct hops {
	const char *program, *wanted, *relay_host;
	int         authd;
	bool        lost; /* authd could not say; said on standard error */
};
bool hops_open(struct hops *h, const char *program, const char *wanted, const char *relay_host);
bool hops_lead(struct hops *h, const char *sender, const char *recipient);
void hops_close(struct hops *h);

#endif
