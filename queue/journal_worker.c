#include "queue/journal_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"
#include "queue/contracts.h"
#include "queue/journal.h"
#include "queue/sync.h"

#define WORKERS      2
#define FILES_A_TIME 32

static struct {
	struct queue_directory directory;
	int                    journal[JOURNAL_FILES];
	uint32_t               parts; /* a bit for each that holds a name */
} here;

/* Those that are gone have ended. */
static bool
open_some(int journal, uint64_t end, uint64_t key, off_t *at, int fds[FILES_A_TIME], int *count)
{
	struct journal_record r;
	int found = 0;
	while (*count < FILES_A_TIME && (found = journal_next(journal, end, key, at, &r)) > 0) {
		int fd = queue_directory_open_file(&here.directory, r.id, O_RDWR);
		if (fd < 0 && errno != ENOENT)
			return false;
		if (fd < 0)
			continue;
		fds[(*count)++] = fd;
		here.parts |= 1u << queue_directory_part(r.id);
#ifdef SYNC_FILE_RANGE_WRITE
		/* A hint: when all of them are on their way, the first fdatasync commits for all. */
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
	}
	return found >= 0;
}

static bool
sync_some(const int *fds, int count)
{
	bool ok = true;
	for (int i = 0; i < count; i++) {
		ok = ok && fdatasync(fds[i]) == 0;
		int saved = errno;
		close(fds[i]);
		errno = saved;
	}
	return ok;
}

static bool
sync_parts(void)
{
	for (int i = 0; i < DIRECTORY_PARTS; i++)
		if ((here.parts >> i & 1) != 0 && fsync(here.directory.parts[i]) < 0)
			return false;
	return true;
}

static bool
empty(int journal, uint64_t key, uint64_t end)
{
	int fds[FILES_A_TIME], count;
	off_t at = JOURNAL_BLOCK;
	here.parts = 0;
	do {
		count = 0;
		bool opened = open_some(journal, end, key, &at, fds, &count);
		int saved = errno;
		if (!sync_some(fds, count))
			return false;
		errno = saved;
		if (!opened)
			return false;
	} while (count == FILES_A_TIME);
	return sync_parts() && journal_end_round(journal);
}

static bool
work_off(struct packet *p)
{
	uint64_t number, key = 0, end = 0;
	bool empties = strcmp(packet_verb(p), "empty") == 0;
	if (!packet_field_number(p, JOURNAL_FILES - 1, &number) ||
	    (empties && (!packet_field_number(p, UINT64_MAX, &key) || !packet_field_number(p, INT64_MAX, &end))))
		errno = EINVAL;
	else if (empties ? empty(here.journal[number], key, end) : fdatasync(here.journal[number]) == 0)
		return true;
	return false;
}

static bool
serve(int socket, struct packet *p)
{
	if (packet_receive_wait(socket, p, -1) != PACKET_OK)
		return false;
	packet_close_descriptors(p);
	int error = work_off(p) ? 0 : errno;
	packet_begin(p, "synced");
	packet_add_number(p, (uint64_t)error);
	return packet_send_wait(socket, p, -1) == PACKET_OK;
}

static void
work(int socket, void *context)
{
	static struct packet p;
	log_session("part", "journal");
	const char *path = ((const struct queue_directory *)context)->path;
	if (!queue_directory_open(&here.directory, path))
		return;
	for (unsigned i = 0; i < JOURNAL_FILES; i++)
		here.journal[i] = journal_open(&here.directory, i);
	struct sandbox_path paths[] = {{.path = path, .write = true}};
	if (!sandbox_enter(&contract_journal, paths, 1))
		return;
	while (serve(socket, &p))
		;
}

void
journal_worker_prepare(struct pool *pool, const struct queue_directory *directory)
{
	*pool = (struct pool){
	    .name = "journal",
	    .workers = WORKERS,
	    .most_waiting = JOURNAL_FILES + 1,
	    .job_timeout = SYNC_TIMEOUT,
	    .work = work,
	    .context = (void *)(uintptr_t)directory,
	    .keep = {directory->lock},
	};
}

void
journal_worker_sync(struct packet *p, unsigned number)
{
	packet_begin(p, "sync");
	packet_add_number(p, number);
}

void
journal_worker_empty(struct packet *p, unsigned number, uint64_t key, uint64_t end)
{
	packet_begin(p, "empty");
	packet_add_number(p, number);
	packet_add_number(p, key);
	packet_add_number(p, end);
}

int
journal_worker_result(struct packet *answer)
{
	return answer != NULL ? sync_result(answer) : EIO;
}
