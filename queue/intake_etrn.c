/*
 * ETRN (RFC 1985): which messages wait for a domain? Nothing but their files
 * says so, and there may be many, so they are read a few at a time between what
 * else the intake does. One search at a time.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/ipc/loop.h"
#include "lib/mail/address.h"
#include "queue/file.h"
#include "queue/intake.h"

#define FILES_A_TURN 16

static struct {
	const struct queue_directory *directory;
	intake_etrn_done *done; /* NULL: no search is under way */
	void      *context;     /* NULL: who asked is gone */
	char       domain[ADDRESS_PATH_MOST];
	struct directory_ids waiting;
	size_t     at, found;
} search;

static bool
waits_for_domain(const struct queue_file *f)
{
	for (size_t i = 0; !f->held && i < f->count; i++) {
		struct slice local, domain;
		address_split(f->recipients[i].address, &local, &domain);
		if (queue_file_is_pending(&f->recipients[i]) && slice_is_nocase(domain, search.domain))
			return true;
	}
	return false;
}

static void
look_at(uint64_t id)
{
	struct queue_file f;
	int fd = queue_directory_open_file(search.directory, id, O_RDONLY);
	if (fd < 0)
		return; /* delivered in the meantime */
	if (queue_file_read(fd, false, &f) == FILE_OK) {
		if (waits_for_domain(&f)) {
			search.found++;
			intake_notify_hurry(id);
		}
		queue_file_free(&f);
	}
	close(fd);
}

static void
forget_ids(void)
{
	free(search.waiting.ids);
	search.waiting = (struct directory_ids){.count = 0};
}

static void
end(void)
{
	intake_etrn_done *done = search.done;
	log_info("etrn", log_text("domain", search.domain), log_number("messages", (int64_t)search.found));
	forget_ids();
	search.done = NULL;
	if (search.context != NULL)
		done(search.context, search.found);
}

static void
turn(struct timer *t)
{
	for (int i = 0; i < FILES_A_TURN && search.at < search.waiting.count; i++)
		look_at(search.waiting.ids[search.at++]);
	if (search.at < search.waiting.count)
		timer_set(t, 0);
	else
		end();
}

static struct timer timer = {.fire = turn};

bool
intake_etrn(const struct queue_directory *d, const char *domain, intake_etrn_done *done, void *context)
{
	if (search.done != NULL || strlen(domain) >= sizeof search.domain)
		return false;
	search.directory = d;
	search.at = search.found = 0;
	memcpy(search.domain, domain, strlen(domain) + 1);
	if (!queue_directory_ids(d, &search.waiting) || !timer_set(&timer, 0)) {
		log_warning("etrn-failed", log_errno());
		forget_ids();
		return false;
	}
	search.done = done;
	search.context = context;
	return true;
}

void
intake_etrn_forget(const void *context)
{
	if (search.context == context)
		search.context = NULL;
}
