/*
 * postern-lmtp's service, lmtp/deliver: takes requests of postern-lmtpd and has deliver workers do them, those of
 * several connections together, for the syncs of one.
 */
#ifndef DELIVER_LMTP_SERVE_H
#define DELIVER_LMTP_SERVE_H

#include <stdbool.h>
#include <stdint.h>

/* `workers`: most of them. After loop_begin(), before the confinement. False, logged. */
bool lmtp_serve_begin(int spawner, uint64_t workers);
/* Nothing more is given; the loop ends when what is under way has ended, or soon. */
void lmtp_serve_drain(void);

#endif
