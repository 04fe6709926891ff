#include "sts/store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define SWEEP_FILES 64

void
store_begin(struct store *s, int directory, uint64_t most, uint64_t refresh)
{
	*s = (struct store){.directory = directory, .most = most, .refresh = refresh, .kept = sts_cache_count(directory)};
}

/* A full cache drives nobody out, or whoever has many domains could. */
bool
store_keep(struct store *s, const char *domain, struct slice id, struct slice policy)
{
	struct cached known;
	bool is_known = sts_cache_read(s->directory, domain, clock_unix(), &known);
	if (is_known)
		sts_cache_free(&known);
	if (!is_known && s->kept >= s->most) {
		log_warning("cache-full", log_text("domain", domain), log_text("hint", "raise sts_policies"));
		return false;
	}
	if (!sts_cache_write(s->directory, domain, id, clock_unix(), policy)) {
		log_error("cache-not-written", log_text("domain", domain), log_errno(),
		    log_text("hint", "is sts_directory there, does it belong to postern-stsd, is there room?"));
		return false;
	}
	s->kept += !is_known;
	return true;
}

static void
sweep_one(struct store *s, const char *domain, void (*old)(const char *domain, const struct cached *c))
{
	struct cached c;
	int64_t now = clock_unix();
	if (!sts_is_domain(slice_of(domain)))
		return;
	if (sts_cache_sweep(s->directory, domain, now)) {
		s->kept -= s->kept > 0;
		return;
	}
	if (!sts_cache_read(s->directory, domain, now, &c))
		return;
	if (cached_is_old(&c, now, s->refresh))
		old(domain, &c);
	sts_cache_free(&c);
}

static void
open_sweep(struct store *s)
{
	/* A person may have deleted some. */
	s->kept = sts_cache_count(s->directory);
	int fd = openat(s->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->sweep = fd >= 0 ? fdopendir(fd) : NULL;
	if (s->sweep == NULL && fd >= 0)
		close(fd);
}

void
store_sweep(struct store *s, void (*old)(const char *domain, const struct cached *c))
{
	if (s->sweep == NULL)
		open_sweep(s);
	for (int i = 0; i < SWEEP_FILES && s->sweep != NULL; i++) {
		const struct dirent *e = readdir(s->sweep);
		if (e != NULL)
			sweep_one(s, e->d_name, old);
		else {
			closedir(s->sweep);
			s->sweep = NULL;
		}
	}
}
