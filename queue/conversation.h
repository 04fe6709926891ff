/*
 * A conversation of the intake with smtpd, or with whoever submits a message: the
 * verbs of queue/intake and queue/submit (ARCHITECTURE.md). One message at a time.
 */
#ifndef QUEUE_CONVERSATION_H
#define QUEUE_CONVERSATION_H

#include "lib/ipc/server.h"
#include "queue/commit.h"
#include "queue/directory.h"
#include "queue/settings.h"

enum stage { NOTHING, ENVELOPE, OPEN, COMMITTING };

struct conversation {
	struct connection connection;
	enum stage        stage;
	int64_t           uid; /* of a submitter, -1: smtpd */
	struct commit    *commit;
	uint64_t          promised;  /* the id that the next message will have, 0: any */
	bool              scratched; /* it has its scratch file */
	int64_t           heard;     /* of a submitter: when his last packet came */
	struct timer      idle;
	char              etrn[COMMIT_TAG_MOST]; /* of the question that is under way; "": none */
};

/* `start` numbers the starts of queued: id.h. */
void conversations_begin(struct queue_directory *directory, const struct queue_settings *settings, uint64_t start);

/* What a service of lib/ipc/server.h wants to have; `connection` is the first part of a struct conversation. */
bool conversation_by_smtpd(struct connection *connection);
bool conversation_by_submitter(struct connection *connection);
bool conversation_request(struct connection *connection, struct packet *p);
void conversation_closed(struct connection *connection);

/* Its message is durable, or never will be: the answer to `commit`. */
void conversation_answer_commit(struct commit *k);

#endif
