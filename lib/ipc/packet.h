/*
 * Packets: how the programs of the suite talk (DESIGN.md rule 3). One packet
 * of a SOCK_SEQPACKET Unix socket is one request or one answer:
 *
 *     verb NUL field NUL field NUL ...
 *
 * The last field may be raw bytes without a NUL behind them ("rest"). A packet
 * is at most PACKET_MOST bytes by construction, and may carry descriptors.
 * A packet that is too long, or carries more descriptors than that, is bad.
 */
#ifndef IPC_PACKET_H
#define IPC_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/outcome.h"
#include "lib/base/slice.h"

#define PACKET_MOST        65536
#define PACKET_DESCRIPTORS 4

struct packet {
	size_t len;
	size_t at;     /* where the next field is read */
	bool   failed; /* an addition did not fit or held a NUL: it is not sent */
	size_t descriptor_count;
	int    descriptors[PACKET_DESCRIPTORS];
	char   data[PACKET_MOST];
};

/* Writing. The additions may be made without looking; packet_send() fails when one failed. */
void packet_begin(struct packet *p, const char *verb);
void packet_add(struct packet *p, struct slice field); /* must not hold a NUL */
void packet_add_text(struct packet *p, const char *field);
void packet_add_number(struct packet *p, uint64_t number);
void packet_add_outcome(struct packet *p, const struct outcome *o); /* three fields: word, code, text */
void packet_add_rest(struct packet *p, struct slice bytes);         /* any bytes; nothing may follow */
void packet_add_descriptor(struct packet *p, int fd);               /* stays the sender's */

/* Reading, in order. The texts live as long as the packet is not used again. */
const char  *packet_verb(struct packet *p);  /* starts reading anew; "" when there is none */
const char  *packet_field(struct packet *p); /* the next field, or NULL when there is no whole field left */
bool         packet_field_number(struct packet *p, uint64_t most, uint64_t *number);
bool         packet_field_outcome(struct packet *p, struct outcome *o);
struct slice packet_rest(struct packet *p);
/* Takes the next descriptor (now the caller's to close), or -1. */
int  packet_take_descriptor(struct packet *p);
/* Closes descriptors that were not taken. */
void packet_close_descriptors(struct packet *p);

enum packet_result {
	PACKET_OK,
	PACKET_END,     /* the peer closed */
	PACKET_WAIT,    /* nothing there yet, or no room to send */
	PACKET_TIMEOUT,
	PACKET_BAD,     /* malformed, or an addition had failed */
	PACKET_ERROR,   /* errno says why */
};

/* Never blocks. PACKET_WAIT when the socket is full. */
enum packet_result packet_send(int fd, const struct packet *p);
/* Never blocks. Received descriptors are close-on-exec. */
enum packet_result packet_receive(int fd, struct packet *p);

/* The same, waiting at most `timeout` milliseconds (-1: for ever). */
enum packet_result packet_send_wait(int fd, const struct packet *p, int timeout);
enum packet_result packet_receive_wait(int fd, struct packet *p, int timeout);

/* One exchange of a client: sends `p`, waits for the answer and puts it into `p`. True on PACKET_OK. */
bool packet_call(int fd, struct packet *p, int timeout);

#endif
