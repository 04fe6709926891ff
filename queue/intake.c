#include "queue/intake.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "lib/ipc/server.h"
#include "lib/sandbox/sandbox.h"
#include "queue/commit.h"
#include "queue/contracts.h"
#include "queue/conversation.h"

static struct service intake_service = {
    .name = "queue/intake", .connection_size = sizeof(struct conversation),
    .opened = conversation_by_smtpd, .request = conversation_request, .closed = conversation_closed,
};
static struct service submit_service = {
    .name = "queue/submit", .connection_size = sizeof(struct conversation), .most = 256, .most_per_user = 100,
    .opened = conversation_by_submitter, .request = conversation_request, .closed = conversation_closed,
};

static bool
wait_for_go(int manager)
{
	static struct packet in;
	return packet_receive_wait(manager, &in, -1) == PACKET_OK && strcmp(packet_verb(&in), "go") == 0;
}

static bool
start(int manager, struct queue_directory *directory, const struct queue_settings *settings, uint64_t number)
{
	peers_add(&intake_service.peers, "postern-smtpd");
	submit_service.peers.everybody = true;
	conversations_begin(directory, settings, number);
	if (!loop_begin() || !commit_begin(directory, settings, conversation_answer_commit) || !wait_for_go(manager))
		return false;
	if (!intake_notify_begin(manager) || !service_start(&intake_service) || !service_start(&submit_service))
		return false;
	struct sandbox_path paths[] = {{.path = directory->path, .write = true}};
	return sandbox_enter(&contract_intake, paths, 1);
}

_Noreturn void
intake_run(int manager, struct queue_directory *directory, const struct queue_settings *settings, uint64_t number)
{
	log_session("part", "intake");
	if (!start(manager, directory, settings, number))
		exit(EXIT_TEMPORARY);
	loop_run();
	exit(EXIT_TEMPORARY);
}
