/* Dovecot's UID list: whatever is taken for one has rising UIDs below its next one. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/store/uidlist.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

/* What is read from any place on is what a whole reading finds there. */
static void
look_behind(const struct uidlist *whole, struct slice text)
{
	static char path[] = "/dev/shm/fuzz-list-XXXXXX";
	static int root = -1;
	struct uidlist l;
	struct uid_entry e, last = {.uid = 0};
	if (root < 0) {
		must(mkdtemp(path) != NULL);
		root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	int fd = openat(root, UIDLIST_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && file_write_all(fd, text.data, text.len));
	close(fd);
	struct slice rest = whole->body;
	for (bool more = true; more; more = uidlist_next(&rest, &e) && (last = e).uid > 0) {
		uint64_t from = (uint64_t)(rest.data - text.data);
		if (uidlist_read_behind(&l, root, from, last.uid + 1) != UIDLIST_OK)
			continue;
		must(l.uidvalidity == whole->uidvalidity && l.uidnext == whole->uidnext && l.torn == whole->torn);
		must(l.end == whole->end && slice_equal(l.body, slice_first(rest, rest.len)));
		uidlist_free(&l);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uidlist l;
	struct uid_entry e;
	uint32_t last = 0;
	struct slice text = slice_make((const char *)data, size);
	if (!uidlist_parse(&l, text))
		return 0;
	must(l.end <= size && data[l.end - 1] == '\n' && l.torn == (l.end < size));
	look_behind(&l, text);
	must(l.uidvalidity > 0 && l.uidnext > 0 && l.uidnext < UID_LAST);
	must(l.others.len <= UIDLIST_HEADER_MOST && !slice_has(l.others, '\n'));
	struct slice rest = l.body;
	while (uidlist_next(&rest, &e)) {
		must(e.uid > last && e.uid < l.uidnext && e.base.len > 0);
		must(!slice_has(e.base, '\n') && !slice_has(e.base, ':') && !slice_has(e.extra, '\n'));
		last = e.uid;
	}
	return 0;
}
