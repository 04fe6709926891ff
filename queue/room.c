#include "queue/room.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define LOOK_EVERY 1000 /* ms */

static bool
has(const struct room *r, uint64_t bytes)
{
	return r->bytes > r->keep_bytes && r->bytes - r->keep_bytes > bytes && r->inodes > r->keep_inodes;
}

/* Nothing is left of what cannot be looked at. */
static void
look(struct room *r, int64_t now)
{
	r->looked = now;
	if (!queue_directory_room(r->directory, &r->bytes, &r->inodes))
		r->bytes = r->inodes = 0;
}

bool
room_take(struct room *r, uint64_t bytes)
{
	int64_t now = clock_ms();
	if (r->looked == 0 || now - r->looked >= LOOK_EVERY)
		look(r, now);
	/* Promises may not have been kept, and messages have gone. */
	if (!has(r, bytes))
		look(r, now);
	if (!has(r, bytes)) {
		log_error("queue-disk-full", log_text("directory", r->directory->path), log_number("free", (int64_t)r->bytes),
		    log_number("inodes", (int64_t)r->inodes), log_text("hint", "settings free_space and free_inodes say how much must be left"));
		return false;
	}
	r->bytes -= bytes;
	r->inodes--;
	return true;
}
