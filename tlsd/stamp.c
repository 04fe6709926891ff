#include "tlsd/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/clock.h"

#define MOMENT 2 /* seconds */

struct stamp
stamp_of(const char *path)
{
	struct stat about;
	if (stat(path, &about) < 0)
		return (struct stamp){.error = errno};
	return (struct stamp){.device = about.st_dev, .file = about.st_ino, .size = about.st_size,
	    .written = about.st_mtim, .changed = about.st_ctim};
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool
stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->error == b->error && a->device == b->device && a->file == b->file && a->size == b->size &&
	    same_time(a->written, b->written) && same_time(a->changed, b->changed);
}

/* The clock may have been set back since: a time in the future is no sign of a change a moment ago. */
bool
stamp_settled(const struct stamp *s)
{
	return s->error != 0 || llabs((long long)(clock_unix() - s->changed.tv_sec)) > MOMENT;
}
