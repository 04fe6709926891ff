/* What the processes of postern-queued may do once each has confined itself; the manager's is in postern-queued.c. */
#ifndef QUEUE_CONTRACTS_H
#define QUEUE_CONTRACTS_H

#include "lib/base/program.h"

extern const struct contract contract_intake;
extern const struct contract contract_sync;
extern const struct contract contract_journal;
extern const struct contract contract_bouncer;
extern const struct contract contract_viewer;

#endif
