/* What queued and postern-remote agree on about one request `send` (ARCHITECTURE.md). */
#ifndef QUEUE_TRANSACTION_H
#define QUEUE_TRANSACTION_H

/* Recipients that go together: a server must take so many in one transaction (RFC 5321 section 4.5.3.1.8). */
#define TRANSACTION_RECIPIENTS_MOST 100

#endif
