/* Maildir++'s maildirsize, which its owner may have written: what is believed is within bounds, and is read the same when it is written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/maildirsize.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maildirsize m, again;
	struct str text = STR_MOST(256);
	if (!maildirsize_parse(slice_make((const char *)data, size), &m))
		return 0;
	must(m.used.bytes <= INT64_MAX && m.used.messages <= INT64_MAX && m.limits.bytes <= INT64_MAX && m.limits.messages <= INT64_MAX);
	must(m.lines > 0 && m.lines < size);
	must(maildirsize_print(&text, m.limits, m.used, m.counted));
	must(maildirsize_parse(str_slice(&text), &again) && again.lines == 1);
	must(memcmp(&again.used, &m.used, sizeof m.used) == 0 && memcmp(&again.limits, &m.limits, sizeof m.limits) == 0);
	str_free(&text);
	return 0;
}
