#include "queue/sync.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"
#include "queue/contracts.h"

static int
make_durable(const struct queue_directory *directory, uint64_t id, int fd)
{
	/* File first, then the name. The first failure is final: STATES.md. */
	if (fdatasync(fd) < 0 || !queue_directory_sync(directory, id))
		return errno;
	return 0;
}

static bool
serve(int socket, const struct queue_directory *directory, struct packet *p)
{
	if (packet_receive_wait(socket, p, -1) != PACKET_OK)
		return false;
	uint64_t id;
	packet_verb(p);
	bool understood = packet_field_number(p, UINT64_MAX, &id);
	int fd = packet_take_descriptor(p);
	if (!understood || fd < 0)
		return false;
	int error = make_durable(directory, id, fd);
	close(fd);
	packet_begin(p, "synced");
	packet_add_number(p, (uint64_t)error);
	return packet_send_wait(socket, p, -1) == PACKET_OK;
}

static void
work(int socket, void *context)
{
	static struct packet p;
	struct queue_directory directory;
	log_session("part", "sync");
	const char *path = ((const struct queue_directory *)context)->path;
	if (!queue_directory_open(&directory, path))
		return;
	struct sandbox_path paths[] = {{.path = path, .write = true}};
	if (!sandbox_enter(&contract_sync, paths, 1))
		return;
	while (serve(socket, &directory, &p))
		;
}

void
sync_prepare(struct pool *pool, const struct queue_directory *directory, size_t workers)
{
	*pool = (struct pool){
	    .name = "sync",
	    .workers = workers,
	    .job_timeout = SYNC_TIMEOUT,
	    .work = work,
	    .context = (void *)(uintptr_t)directory,
	    .keep = {directory->lock},
	};
}

void
sync_request(struct packet *p, uint64_t id, int fd)
{
	packet_begin(p, "sync");
	packet_add_number(p, id);
	packet_add_descriptor(p, fd);
}

int
sync_result(struct packet *answer)
{
	uint64_t error;
	packet_verb(answer);
	return packet_field_number(answer, 4096, &error) ? (int)error : EIO;
}
