/* Dovecot's UID list: whatever is taken for one has rising UIDs below its next one. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/store/uidlist.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uidlist l;
	struct uid_entry e;
	uint32_t last = 0;
	if (!uidlist_parse(&l, slice_make((const char *)data, size), size % 2 == 0))
		return 0;
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
